/** Shows what went wrong where everybody sees it. */
function show(reason: unknown): void {
  const place = document.querySelector('[role="alert"]') as HTMLElement;
  place.hidden = false;
  place.textContent = `Something went wrong: ${reason instanceof Error ? reason.message : String(reason)}`;
}

/** From here on nothing fails silently. */
export function watchFailures(): void {
  addEventListener('error', ({ error, message }) => show(error ?? message));
  addEventListener('unhandledrejection', ({ reason }) => show(reason));
}
