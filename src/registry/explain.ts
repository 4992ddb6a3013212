import type { PublishedTool, Registry, WithheldTool } from '../model/registry.ts';
import type { ToolRef } from '../model/tool.ts';
import type { ParameterDecision } from './input.ts';
import { ranked } from './near.ts';

/** Beside the tools, because neither clients nor calls have a use for it. */
const decisions = new WeakMap<PublishedTool | WithheldTool, readonly ParameterDecision[]>();

/** Keeps what was decided about a tool's parameters, for `explainTool`. */
export function rememberDecisions(
  tool: PublishedTool | WithheldTool,
  taken: readonly ParameterDecision[],
): void {
  decisions.set(tool, taken);
}

/**
 * Why a tool is published as it is, or is not: lines for a person. For an unknown name they say so and name
 * similar tools.
 */
export function explainTool(registry: Registry, name: string): string[] {
  const tool = registry.get(name);
  const withheld = registry.withheld.filter((item) => item.name === name);
  if (tool === undefined && withheld.length === 0) {
    const similar = similarNames(registry, name);
    const none = `Dify has no tool that would be published as ${name}.`;
    return similar.length === 0 ? [none] : [none, `Similar names: ${similar.join(', ')}`];
  }
  const lines: string[] = [];
  if (tool !== undefined) {
    lines.push(`${name} is published.`, ...identity(tool.ref));
    if (!tool.authorized) lines.push('The provider has no credentials in Dify: every call is refused.');
    if (tool.credentialId !== undefined) lines.push('It is called with the credential of its preset.');
    lines.push(...parameterLines(tool));
  }
  for (const item of withheld) {
    lines.push(`${name} is withheld (${item.reason}).`, ...identity(item.ref));
    lines.push(...item.detail.split('\n'), ...parameterLines(item));
  }
  for (const note of registry.notes) if (note.name === name) lines.push(`Note: ${note.message}`);
  return lines;
}

/** Up to five names of tools, published or withheld, that a wrong name may mean; the likeliest first. */
export function similarNames(registry: Registry, name: string): string[] {
  const names = new Map<string, string>();
  for (const tool of [...registry.withheld, ...registry.tools]) {
    names.set(tool.name, tool.name);
    // Whoever knows the tool's own name finds the published one.
    if (!names.has(tool.ref.tool)) names.set(tool.ref.tool, tool.name);
  }
  const found = ranked(name, names.keys(), 10).map((key) => names.get(key) ?? key);
  return [...new Set(found)].slice(0, 5);
}

function identity(ref: ToolRef): string[] {
  return [`In Dify: ${ref.providerType} provider ${ref.providerId}, tool ${ref.tool}`];
}

function parameterLines(tool: PublishedTool | WithheldTool): string[] {
  return (decisions.get(tool) ?? []).map(({ name, decision }) => `Parameter ${name}: ${decision}`);
}
