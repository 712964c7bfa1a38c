/** Shows a document in a frame and returns the text of its paragraph, once it holds `until`. */
export default async function run({ html, until }: { html: string; until: string }): Promise<string> {
  const frame = document.createElement('iframe');
  frame.width = frame.height = '600';
  frame.srcdoc = html;
  document.body.append(frame);
  const text = () => frame.contentDocument?.querySelector('p')?.textContent ?? '';
  const end = performance.now() + 20_000;
  while (!text().includes(until) && performance.now() < end) await new Promise((done) => setTimeout(done, 20));
  return text();
}
