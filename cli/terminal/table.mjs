// @ts-check

const isNumeric = (/** @type {string} */ cell) => /^[-+]?[\d,.]+%?$/.test(cell);

/**
 * Prints rows under a head, in columns as wide as their widest cell; columns of numbers are aligned to the right.
 * @param {string[]} head
 * @param {string[][]} rows
 */
export function printTable(head, rows) {
  const cells = [head, ...rows];
  const widths = head.map((_, c) => Math.max(...cells.map((row) => row[c]?.length ?? 0)));
  const toRight = head.map((_, c) => c > 0 && rows.every((row) => isNumeric(row[c] ?? '')));
  const line = (/** @type {string[]} */ row) =>
    row
      .map((cell, c) => (toRight[c] ? cell.padStart(widths[c] ?? 0) : cell.padEnd(widths[c] ?? 0)))
      .join('  ')
      .trimEnd();
  console.log(line(head));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of rows) console.log(line(row));
}
