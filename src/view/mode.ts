import type { ViewConfig } from '../config/views.ts';
import type { Registry } from '../model/registry.ts';
import { totalCost } from '../registry/cost.ts';

/** How clients come to the tools: `list` shows them all, `search` shows tools that find and call them. */
export type Mode = 'list' | 'search';

/** What `auto` has decided, and by which size. */
export interface AutoMode {
  readonly mode: Mode;
  readonly tools: number;
  readonly tokens: number;
}

/** The mode for a registry of this size. */
export function modeBySize({ tools }: Registry, limits: ViewConfig['auto']): AutoMode {
  const { tokens } = totalCost(tools);
  const isLarge = tools.length > limits.tools || tokens > limits.tokens;
  return { mode: isLarge ? 'search' : 'list', tools: tools.length, tokens };
}
