import type { ToolStatus, ViewStatus, WorkspaceStatus } from '../model/status.ts';
import type { AdminAnswer } from './host.ts';
import { html, type Html } from '../model/html.ts';
import { number, page, section, table } from './page.ts';

/** Returns the path of a view's page, or of one of its tools. */
export function viewPath(workspace: WorkspaceStatus, view: ViewStatus, tool?: string): string {
  const names = [workspace.name, view.name, ...(tool === undefined ? [] : [tool])];
  return `/views/${names.map(encodeURIComponent).join('/')}`;
}

/** Returns the page of a view: its tools with their cost, and those that it withholds. */
export function viewPage(workspace: WorkspaceStatus, view: ViewStatus): AdminAnswer {
  const { tools = [], withheld, mode, shown } = view;
  const total = tools.reduce((sum, { tokens }) => sum + tokens, 0);
  const rows = tools.map(({ tool, ref, providerLabel, authorized, bytes, tokens }) => [
    html`<a href="${viewPath(workspace, view, tool.name)}"><code>${tool.name}</code></a>`,
    html`${tool.title}${!authorized && html` <span class="warn">(no credentials)</span>`}`,
    `${ref.providerType} ${providerLabel}`,
    number(bytes),
    number(tokens),
  ]);
  const search = html`<p>Mode search: a client sees ${number(shown.tools)} tools instead, about ${number(shown.tokens)} tokens.</p>`;
  return page(`${view.name}: tools`, [
    header(workspace, view.name),
    section(
      `${number(tools.length)} tools, about ${number(total)} tokens`,
      mode === 'search' ? search : undefined,
      table(
        [{ wide: 'Tool' }, 'Title', 'In Dify', { number: 'Bytes' }, { number: '~Tokens' }],
        rows,
        'No tool is published.',
      ),
    ),
    section(
      `${number(withheld.length)} withheld`,
      table(
        [{ wide: 'Tool' }, 'Reason', { wide: 'Detail' }],
        withheld.map(({ name, reason, detail }) => [
          html`<code>${name}</code>`,
          reason,
          html`<span class="lines">${detail}</span>`,
        ]),
        'None.',
      ),
    ),
  ]);
}

/** Returns the page of a tool: its definition as clients get it. */
export function toolPage(workspace: WorkspaceStatus, view: ViewStatus, status: ToolStatus): AdminAnswer {
  const { tool, ref, authorized, bytes, tokens } = status;
  const { name, title, description, inputSchema, outputSchema, annotations } = tool;
  const json = (value: unknown): Html => html`<pre>${JSON.stringify(value, null, 2)}</pre>`;
  return page(name, [
    header(workspace, view.name, viewPath(workspace, view)),
    section(
      title,
      html`<p><code>${name}</code></p>
<p class="dim">${ref.providerType} ${ref.providerId} ${ref.tool} &middot; ${number(bytes)} bytes &middot; about ${number(tokens)} tokens</p>`,
      authorized ? undefined : html`<p class="warn">Dify has no credentials for this provider.</p>`,
      html`<pre class="wrap">${description}</pre>`,
    ),
    section('Input schema', json(inputSchema)),
    ...(outputSchema === undefined ? [] : [section('Output schema', json(outputSchema))]),
    section('Annotations', json(annotations)),
  ]);
}

function header(workspace: WorkspaceStatus, view: string, path?: string): Html {
  const place = path === undefined ? html`${view}` : html`<a href="${path}">${view}</a>`;
  return html`<header>
<h1><a href="/">dify-mcp-bridge</a></h1>
<span class="dim">workspace ${workspace.name}, view ${place}</span>
</header>
`;
}
