import { existsSync } from 'node:fs';
import { CLIENTS } from '../clients/client.ts';
import { newFileText } from '../clients/edit.ts';
import type { Config } from '../config/schema.ts';
import { DEFAULT_VIEW } from '../config/views.ts';
import type { CallPlace } from '../model/call-record.ts';
import type { CatalogStatus, ListedTool } from '../model/registry.ts';
import type { ClientLines, Cost, ToolStatus, ViewStatus, WorkspaceStatus } from '../model/status.ts';
import { toolCost, totalCost } from '../registry/cost.ts';
import { listedTools } from '../view/brief-tools.ts';
import type { View } from '../view/view.ts';

/** A workspace as the admin server sees it. */
export interface ObservedWorkspace {
  readonly place: CallPlace;
  readonly catalog: () => CatalogStatus;
  readonly views: ReadonlyMap<string, View>;
  /** The address of the default view; undefined before the bridge listens. */
  readonly url: () => string | undefined;
}

/** Describes workspaces for the status page. Computes the costs of a list again only if the list has changed. */
export class StatusReader {
  readonly #shown = new Map<View, { readonly tools: readonly ListedTool[]; readonly cost: Cost }>();
  readonly #published = new Map<
    View,
    { readonly tools: readonly ListedTool[]; readonly status: readonly ToolStatus[] }
  >();

  workspace({ place, catalog, views, url }: ObservedWorkspace): WorkspaceStatus {
    const { workspace: name, road, host } = place;
    return {
      name,
      road,
      host,
      catalog: catalog(),
      views: [...views.values()].map((view) => this.#view(view, url())),
    };
  }

  #view(view: View, base: string | undefined): ViewStatus {
    const { name, mode, registry } = view;
    const url = base && (name === DEFAULT_VIEW ? base : `${base}/${name}`);
    const shown = view.tools.current()?.tools ?? [];
    const tools = this.#tools(view);
    const withheld = registry.current()?.withheld ?? [];
    return { name, url, mode, tools, withheld, shown: { tools: shown.length, ...this.#costOf(view, shown) } };
  }

  #costOf(view: View, tools: readonly ListedTool[]): Cost {
    const known = this.#shown.get(view);
    if (known?.tools === tools) return known.cost;
    const cost = totalCost(tools);
    this.#shown.set(view, { tools, cost });
    return cost;
  }

  #tools(view: View): readonly ToolStatus[] | undefined {
    const registry = view.registry.current();
    if (registry === undefined) return undefined;
    const known = this.#published.get(view);
    if (known?.tools === registry.tools) return known.status;
    const listed = listedTools(registry, view.config);
    const status = registry.tools.map((published, index): ToolStatus => {
      const tool = listed[index] ?? published;
      const { ref, providerLabel, authorized } = published;
      return { tool, ref, providerLabel, authorized, ...toolCost(tool) };
    });
    this.#published.set(view, { tools: registry.tools, status });
    return status;
  }
}

/** Returns the address of the bridge for clients, with a placeholder for a host that only the operator knows. */
export function publicAddress(publicUrl: string | undefined, url: string): string {
  const listening = new URL(url);
  if (publicUrl !== undefined) return publicUrl + listening.pathname;
  const isAny = listening.hostname === '0.0.0.0' || listening.hostname === '[::]';
  return isAny ? `http://BRIDGE-HOST:${listening.port}${listening.pathname}` : url;
}

/** Returns the lines that each client with support for HTTP needs to reach the address. */
export function clientLines({ http, keysFile }: Config, url: string): readonly ClientLines[] {
  const authorization = http.token !== undefined || http.keysFile !== undefined || existsSync(keysFile);
  return Object.values(CLIENTS)
    .filter((client) => client.http)
    .map((client) => ({
      title: client.name === 'json' ? 'Any other client' : client.title,
      text: newFileText(client, 'dify', { kind: 'http', url, authorization }),
      afterwards: client.afterwards,
    }));
}
