import { formatSize } from '../model/format-size.ts';
import type {
  BreakerState,
  BridgeStatus,
  CallSummary,
  ViewStatus,
  WorkspaceStatus,
} from '../model/status.ts';
import type { AdminAnswer } from './host.ts';
import { html, type Html } from '../model/html.ts';
import { ago, number, page, section, since, table } from './page.ts';
import { toolPage, viewPage, viewPath } from './tools-page.ts';

/** Problems of a listing that the page shows. */
const MAX_PROBLEMS = 20;

/** Returns the page at a path; undefined if there is none. */
export function statusPage(pathname: string, status: BridgeStatus): AdminAnswer | undefined {
  if (pathname === '/') return overview(status);
  const parts = pathname.split('/').slice(1);
  if (parts[0] !== 'views') return undefined;
  let names: string[];
  try {
    names = parts.slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
  const [workspaceName, viewName, toolName, ...rest] = names;
  const workspace = status.workspaces.find(({ name }) => name === workspaceName);
  const view = workspace?.views.find(({ name }) => name === viewName);
  if (workspace === undefined || view === undefined || rest.length > 0) return undefined;
  if (toolName === undefined) return viewPage(workspace, view);
  const tool = view.tools?.find((each) => each.tool.name === toolName);
  return tool && toolPage(workspace, view, tool);
}

function overview(status: BridgeStatus): AdminAnswer {
  const { version, startedAt, health, workspaces, running, ended, breakers, clients } = status;
  const now = Date.now();
  const hasSeveral = workspaces.length > 1;
  return page('dify-mcp-bridge', [
    html`<header>
<h1>dify-mcp-bridge ${version}</h1>
<span class="${health === 'ready' ? 'good' : 'warn'}">${health}</span>
<span class="dim">started ${ago(startedAt, now)}</span>
</header>
`,
    ...workspaces.map((workspace) => workspaceSection(workspace, now)),
    section('Calls in flight', callsTable(running, { now, hasSeveral })),
    section('Latest calls', callsTable(ended, { now, hasSeveral })),
    section('Circuit breakers', breakersTable(breakers, now)),
    section(
      'Connect a client',
      html`<p class="dim">The lines for the configuration file of each client. The path of another view is in the table above.</p>`,
      ...clients.map(
        ({ title, text, afterwards }) => html`<details>
<summary>${title}</summary>
<pre>${text}</pre>
<p class="dim">${afterwards}</p>
</details>
`,
      ),
    ),
  ]);
}

function workspaceSection(workspace: WorkspaceStatus, now: number): Html {
  const { name, road, host, catalog, views } = workspace;
  const { listing, loadedAt, lastError, stale } = catalog;
  const unlisted = listing?.problems ?? [];
  const staleTexts = new Set(stale.map(({ message }) => message));
  const problems = unlisted.filter(({ message }) => !staleTexts.has(message));
  const count = (listing?.providers ?? []).reduce((sum, { tools }) => sum + tools.length, 0);
  const loaded = loadedAt === undefined ? 'not loaded yet' : html`loaded ${ago(loadedAt, now)}`;
  return section(
    `Workspace ${name}`,
    html`<p>${number(count)} tools of Dify at ${host}, by the ${road} road, ${loaded}.</p>`,
    lastError === undefined ? undefined : html`<p class="bad">The last load failed: ${lastError}</p>`,
    list(
      'warn',
      stale.map(
        ({ providerType, providerId = 'all', since: from, message }) =>
          html`Stale since ${ago(from, now)}: ${providerType} ${providerId}. ${message}`,
      ),
    ),
    list(
      'warn',
      problems.map(({ message }) => html`${message}`),
    ),
    table(
      [
        'View',
        { wide: 'Address' },
        'Mode',
        { number: 'Tools' },
        { number: 'Withheld' },
        { number: 'A client sees' },
      ],
      views.map((view) => viewRow(workspace, view)),
      'No view.',
    ),
  );
}

function viewRow(workspace: WorkspaceStatus, view: ViewStatus): (Html | string)[] {
  const { name, url, mode, tools, withheld, shown } = view;
  return [
    html`<a href="${viewPath(workspace, view)}">${name}</a>`,
    url === undefined ? '' : html`<code>${url}</code>`,
    mode,
    tools === undefined ? 'loading' : number(tools.length),
    number(withheld.length),
    `${number(shown.tools)} tools, ~${number(shown.tokens)} tokens`,
  ];
}

function list(kind: string, items: readonly Html[]): Html | undefined {
  if (items.length === 0) return undefined;
  const more = items.length - MAX_PROBLEMS;
  return html`<ul class="${kind}">${items.slice(0, MAX_PROBLEMS).map((item) => html`<li>${item}</li>`)}${
    more > 0 && html`<li>${more} more</li>`
  }</ul>`;
}

function callsTable(
  calls: readonly CallSummary[],
  { now, hasSeveral }: { readonly now: number; readonly hasSeveral: boolean },
): Html {
  const rows = calls.map(({ workspace, view, principal, tool, client = '', startedAt, end }) => [
    ago(startedAt, now),
    html`<code>${tool}</code>`,
    hasSeveral ? `${workspace} / ${view}` : view,
    principal,
    client,
    end === undefined
      ? 'running'
      : html`<span class="${end.outcome === 'ok' ? 'good' : 'bad'}">${end.outcome}</span>`,
    since(end?.durationMs ?? now - startedAt.getTime()),
    end === undefined || end.bytes === 0 ? '' : formatSize(end.bytes),
  ]);
  const numbers = [{ number: 'Time' }, { number: 'Answer' }];
  return table(['Began', 'Tool', 'View', 'Caller', 'Client', 'Outcome', ...numbers], rows, 'None.');
}

function breakersTable(breakers: readonly BreakerState[], now: number): Html {
  const rows = breakers
    .filter(({ state }) => state !== 'closed')
    .map(({ provider, state, until }) => [
      provider,
      html`<span class="bad">${state}</span>`,
      until === undefined ? '' : `in ${since(Math.max(0, until.getTime() - now))}`,
    ]);
  return table(['Provider', 'State', 'Tried again'], rows, 'All are closed.');
}
