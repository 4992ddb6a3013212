import type { ViewConfig } from '../config/views.ts';
import type { ListedTool } from '../model/registry.ts';
import { totalCost } from '../registry/cost.ts';

/** How clients reach the tools: `list` shows all of them, `search` shows tools that find and call them. */
export type Mode = 'list' | 'search';

/** The decision of `auto`, with the size on which it is based. */
export interface AutoMode {
  readonly mode: Mode;
  readonly tools: number;
  readonly tokens: number;
}

export function modeBySize(tools: readonly ListedTool[], limits: ViewConfig['auto']): AutoMode {
  const { tokens } = totalCost(tools);
  const isLarge = tools.length > limits.tools || tokens > limits.tokens;
  return { mode: isLarge ? 'search' : 'list', tools: tools.length, tokens };
}
