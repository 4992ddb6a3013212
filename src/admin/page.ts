import type { AdminAnswer } from './host.ts';
import { html, Html } from '../model/html.ts';
import { POLICY, STYLE } from './style.ts';

/** Returns a whole page. */
export function page(title: string, body: readonly Html[]): AdminAnswer {
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`;
  return { type: 'text/html; charset=utf-8', body: text, policy: POLICY };
}

/** A column of a table: its name, and whether it has numbers or long texts. */
type Column = string | { readonly number: string } | { readonly wide: string };

/** Returns a table, or a sentence if it would have no rows. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly (Html | string | undefined)[])[],
  none: string,
): Html {
  if (rows.length === 0) return html`<p class="dim">${none}</p>`;
  const heads = columns.map((column) => {
    if (typeof column === 'string') return { name: column, kind: '' };
    return 'number' in column ? { name: column.number, kind: 'number' } : { name: column.wide, kind: 'wide' };
  });
  return html`<table>
<thead><tr>${heads.map(({ name, kind }) => html`<th class="${kind}">${name}</th>`)}</tr></thead>
<tbody>
${rows.map((cells) => {
  const row = cells.map((cell, index) => {
    const { name = '', kind = '' } = heads[index] ?? {};
    return html`<td class="${kind}" data-name="${name}">${cell}</td>`;
  });
  return html`<tr>${row}</tr>\n`;
})}</tbody>
</table>`;
}

export function section(title: string, ...body: readonly (Html | undefined)[]): Html {
  return html`<section>
<h2>${title}</h2>
${body}
</section>
`;
}

export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** Returns a moment as the time since, with the exact time as its title. */
export function ago(moment: Date, now: number): Html {
  return html`<time datetime="${moment.toISOString()}" title="${moment.toISOString()}">${since(now - moment.getTime())} ago</time>`;
}

/** Returns a duration in one unit, rounded. */
export function since(ms: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ];
  const [unit, size] = units.find(([, size]) => ms >= (size === 1000 ? size : 2 * size)) ?? ['ms', 1];
  return `${Math.round(ms / size)} ${unit}`;
}
