import { hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Html, html } from '../model/html.ts';

const STYLE = `
:root{color-scheme:light dark;--line:#8886;--accent:#155eef;--bad:#b42318}
@media(prefers-color-scheme:dark){:root{--accent:#528bff;--bad:#f97066}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:27rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}
h1{font-size:1.35rem;line-height:1.3;margin:1rem 0}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input[type=email],input[type=password],input[type=text]{width:100%;padding:.7rem;font:inherit;border:1px solid var(--line);border-radius:.5rem}
button,.button{display:block;width:100%;margin-top:1rem;padding:.8rem;font:inherit;font-weight:600;text-align:center;border:1px solid var(--line);border-radius:.5rem;background:none;color:inherit;cursor:pointer;text-decoration:none}
button.main,.button{background:var(--accent);border-color:var(--accent);color:#fff}
button.link{display:inline;width:auto;margin:0;padding:.25rem 0;border:0;font-weight:400;color:var(--accent);text-decoration:underline}
a{color:var(--accent)}
a.button{color:#fff}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.error{border-left:.25rem solid var(--bad);padding:.25rem .75rem;color:var(--bad)}
.note{font-size:.9rem;opacity:.85}
.choice{display:flex;gap:.75rem;align-items:center;margin:.5rem 0;padding:.75rem;border:1px solid var(--line);border-radius:.5rem;font-weight:400}
dl{margin:1rem 0;padding:.25rem 1rem;border:1px solid var(--line);border-radius:.5rem}
dt{font-size:.85rem;opacity:.8;margin-top:.5rem}
dd{margin:0 0 .5rem;font-weight:600}
`;

/** Nothing but the page and its own style: no script, no picture, no frame around it, no form to another host. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': POLICY,
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  // With no-referrer, browsers would send the forms of the page with "Origin: null".
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** Returns a whole page. `next` is the address that the browser opens by itself. */
export function wholePage(title: string, body: Html, next?: string): string {
  const refresh = next === undefined ? undefined : html`<meta http-equiv="refresh" content="0;url=${next}">`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
${refresh}
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body><main>
<h1>${title}</h1>
${body}
</main></body>
</html>
`.text;
}

export function sendPage(res: ServerResponse, status: number, page: string): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(status, { ...PAGE_HEADERS, 'Content-Length': Buffer.byteLength(page) });
  res.end(page);
}
