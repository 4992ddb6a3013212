import { existsSync } from 'node:fs';
import { CLIENTS } from '../clients/client.ts';
import { newFileText } from '../clients/edit.ts';
import type { Config } from '../config/schema.ts';
import type { ListedTool } from '../model/registry.ts';
import type { ClientLines, Cost, ToolStatus, ViewStatus, WorkspaceStatus } from '../model/status.ts';
import { toolCost, totalCost } from '../registry/cost.ts';
import { listedTools } from '../view/tool-list.ts';
import type { View } from '../view/view.ts';
import type { Workspace } from './workspace.ts';

/** Describes workspaces for the status page. Computes the costs of a list again only if the list has changed. */
export class StatusReader {
  readonly #urlOf: (view: View) => string | undefined;
  readonly #costs = new WeakMap<readonly ListedTool[], Cost>();
  readonly #published = new WeakMap<
    View,
    { readonly tools: readonly ListedTool[]; readonly status: readonly ToolStatus[] }
  >();

  /** `urlOf` returns where clients reach a view. */
  constructor(urlOf: (view: View) => string | undefined) {
    this.#urlOf = urlOf;
  }

  workspace({ place, catalogue, views }: Workspace): WorkspaceStatus {
    const { workspace: name, road, host } = place;
    const all = [...views.byName.values()].map((view) => this.#view(view));
    return { name, road, host, catalog: catalogue.status(), views: all };
  }

  #view(view: View): ViewStatus {
    const { name, mode, registry } = view;
    const shown = view.tools.current()?.tools ?? [];
    return {
      name,
      url: this.#urlOf(view),
      mode,
      tools: this.#tools(view),
      withheld: registry.current()?.withheld ?? [],
      shown: { tools: shown.length, ...this.#costOf(shown) },
    };
  }

  #costOf(tools: readonly ListedTool[]): Cost {
    const cost = this.#costs.get(tools) ?? totalCost(tools);
    this.#costs.set(tools, cost);
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
