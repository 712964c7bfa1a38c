const COLUMNS = [
  ['work', 14],
  ['who', 10],
  ['µs', 11],
  ['quartiles', 19],
  ['x plain', 8],
  ['GFLOP/s', 8],
  ['peak', 6],
  ['GB/s', 7],
  ['memory', 7],
  ['loss', 12],
];

/** A number with four significant figures and no exponent. */
export function figure(x) {
  if (x === undefined || !Number.isFinite(x)) return '';
  if (x === 0) return '0';
  const decimals = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(x))));
  return x.toFixed(Math.min(decimals, 5));
}

export const percent = (x) => (x === undefined ? '' : `${(x * 100).toFixed(0)}%`);

/** Cells as one line: the first two to the left, numbers to the right. */
export function line(cells, widths) {
  return cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' ');
}

const widths = COLUMNS.map(([, width]) => width);

export function tableHead() {
  const titles = line(
    COLUMNS.map(([title]) => title),
    widths,
  );
  return `${titles}\n${'-'.repeat(titles.length)}`;
}

/** The rows of one workload, each with its speed against the plain loop's. */
export function tableRows(rows, gbytes) {
  const plain = rows.find(({ contender }) => contender === 'plain');
  return rows
    .map((row) => {
      const { micros } = row;
      const cells = [
        row.workload,
        row.contender,
        `${figure(micros.median)}${row.per === 'update' ? '' : ` a ${row.per}`}`,
        `${figure(micros.lower)} - ${figure(micros.upper)}`,
        plain && row !== plain ? figure(plain.micros.median / micros.median) : '',
        figure(row.gflops),
        percent(row.shareOfPeak),
        figure(row.gbytes),
        percent(row.gbytes && row.gbytes / gbytes),
        figure(row.loss),
      ];
      return line(cells, widths);
    })
    .join('\n');
}

/** Time now over time then, row by row; below 1 is faster. */
export function comparison(rows, old) {
  const key = ({ workload, contender }) => `${workload} ${contender}`;
  const before = new Map(old.rows.map((row) => [key(row), row]));
  const lines = rows.map((row) => {
    const then = before.get(key(row));
    if (!then) return `${key(row).padEnd(26)} new`;
    const ratio = row.micros.median / then.micros.median;
    const apart = row.micros.lower > then.micros.upper || row.micros.upper < then.micros.lower;
    const from = `${figure(then.micros.median)} -> ${figure(row.micros.median)} µs`;
    return `${key(row).padEnd(26)} ${figure(ratio).padStart(7)}   ${from}${apart ? '' : '   (quartiles overlap)'}`;
  });
  return [`time now / time in ${old.machine.date}, commit ${old.machine.commit}`, ...lines].join('\n');
}
