import { hash } from 'node:crypto';

/** The style of the status page. On narrow screens, each row of a table is a grid, and each cell has its name. */
export const STYLE = `
:root{color-scheme:light dark;--text:#1c2128;--dim:#59636e;--page:#f4f5f7;--card:#fff;--line:#d8dde3;--link:#0a58ca;--good:#12692f;--bad:#b42318;--warn:#8a5300;--code:#eef1f4}
@media (prefers-color-scheme:dark){:root{--text:#e6e9ed;--dim:#9aa4af;--page:#0f1318;--card:#191f26;--line:#303843;--link:#79b0ff;--good:#5ec27f;--bad:#ff8a80;--warn:#e5b567;--code:#0f1318}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1rem;font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page)}
a{color:var(--link)}
h1{font-size:1.3rem;margin:0}
h2{font-size:1.05rem;margin:0 0 .6rem}
header{display:flex;flex-wrap:wrap;gap:.3rem 1rem;align-items:baseline;margin:.5rem 0 1rem}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem;margin-bottom:1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);overflow-wrap:break-word}
th{font-weight:600;color:var(--dim);font-size:.85rem}
tr:last-child td{border-bottom:0}
.number{text-align:right;white-space:nowrap}
.dim{color:var(--dim)}
.lines{white-space:pre-wrap}
.good{color:var(--good)}
.bad{color:var(--bad)}
.warn{color:var(--warn)}
p{margin:.3rem 0}
ul{margin:.3rem 0;padding-left:1.2rem}
code,pre{font:13px/1.45 ui-monospace,monospace}
pre{background:var(--code);border-radius:6px;padding:.7rem;margin:.5rem 0;overflow-x:auto}
pre.wrap{white-space:pre-wrap}
summary{cursor:pointer;padding:.25rem 0}
@media (max-width:640px){
body{padding:.6rem}
section{padding:.8rem}
thead{display:none}
tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.3rem .8rem;padding:.6rem 0;border-bottom:1px solid var(--line)}
tr:last-child{border-bottom:0}
td{padding:0;border:0;min-width:0;overflow-wrap:anywhere}
td:empty{display:none}
td.wide{grid-column:1/-1}
td::before{content:attr(data-name);display:block;color:var(--dim);font-size:.8rem;line-height:1.2}
td.number{text-align:left;white-space:normal}
}`;

/** Allows the style above and nothing else: no script, no picture, nothing from another place. */
export const POLICY = `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
