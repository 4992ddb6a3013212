import type { ViewConfig } from '../config/views.ts';
import type { ListedTool, PublishedTool, Registry } from '../model/registry.ts';
import { deepFreeze } from '../registry/publish-schema.ts';

const NO_ARGUMENTS = deepFreeze({ type: 'object', properties: {} });

/**
 * Returns the published tools as clients see them. With `tools.unauthorized: brief`, a tool without credentials in Dify is
 * listed without parameters: it cannot work yet, and would take up to a third of the list.
 */
export function listedTools(
  { tools }: Registry,
  { unauthorized }: Pick<ViewConfig, 'unauthorized'>,
): readonly (ListedTool | PublishedTool)[] {
  return unauthorized === 'brief' ? tools.map((tool) => (tool.authorized ? tool : brief(tool))) : tools;
}

function brief({ name, title, providerLabel }: PublishedTool): ListedTool {
  const description = `Not usable yet: ${providerLabel} has no credentials in this Dify workspace.`;
  return Object.freeze({ name, title, description, inputSchema: NO_ARGUMENTS, annotations: {} });
}
