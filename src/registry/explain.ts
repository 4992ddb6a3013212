import { closestMatches } from '../model/closest.ts';
import type { PublishedTool, Registry, WithheldTool } from '../model/registry.ts';
import type { ToolRef } from '../model/tool.ts';
import type { UsedCredential } from './credential.ts';
import { furtherNotes } from './notes.ts';

/** Returns lines for a person: why a tool is published as it is, or is not; for an unknown name, similar ones. */
export function explainTool(registry: Registry, name: string, credential?: UsedCredential): string[] {
  const tool = registry.get(name);
  if (tool !== undefined && tool.name !== name) {
    const line = `${name} is an old name (aliases) of ${tool.name}: it can be called but is not listed.`;
    return [line, ...explainTool(registry, tool.name, credential), ...notesOn(registry, name)];
  }
  const withheld = registry.withheld.filter((item) => item.name === name);
  if (tool === undefined && withheld.length === 0) {
    const similar = similarNames(registry, name);
    const none = `Dify has no tool that would be published as ${name}.`;
    const lines = similar.length === 0 ? [none] : [none, `Similar names: ${similar.join(', ')}`];
    return [...lines, ...notesOn(registry, name)];
  }
  const lines: string[] = [];
  if (tool !== undefined) {
    lines.push(`${name} is published.`, identity(tool.ref));
    if (!tool.authorized) lines.push('The provider has no credentials in Dify, so Dify refuses every call.');
    if (credential !== undefined) lines.push(credential.sentence);
    else if (tool.credentialId !== undefined) lines.push('Calls use the credential of its preset.');
    lines.push(...resultLines(tool), ...explanationLines(registry, tool));
  }
  for (const item of withheld) {
    lines.push(`${name} is withheld (${item.reason}).`, identity(item.ref));
    lines.push(...item.detail.split('\n'), ...explanationLines(registry, item));
  }
  return [...lines, ...notesOn(registry, name)];
}

/** Returns up to five names of tools, published or withheld, that a wrong name may mean, the likeliest first. */
export function similarNames(registry: Registry, name: string): string[] {
  const names = new Map<string, string>();
  for (const tool of [...registry.withheld, ...registry.tools]) {
    names.set(tool.name, tool.name);
    // A tool's own name in Dify leads to the published name.
    if (!names.has(tool.ref.tool)) names.set(tool.ref.tool, tool.name);
  }
  const found = closestMatches(name, names.keys(), 10).map((key) => names.get(key) ?? key);
  return [...new Set(found)].slice(0, 5);
}

function identity({ providerType, providerId, tool }: ToolRef): string {
  return `In Dify: ${providerType} provider ${providerId}, tool ${tool}`;
}

function resultLines({ results = {} }: PublishedTool): string[] {
  const limits = Object.entries(results).map(([name, limit]) => `${name} ${limit}`);
  return limits.length === 0 ? [] : [`Its preset limits what a result contains: ${limits.join(', ')}`];
}

function explanationLines({ explanations }: Registry, tool: PublishedTool | WithheldTool): string[] {
  const { rules = [], details } = explanations.get(tool) ?? {};
  return [...rules.map((line) => `Rule ${line}`), ...(details?.() ?? [])];
}

function notesOn(registry: Registry, name: string): string[] {
  return furtherNotes(registry)
    .filter((note) => note.name === name)
    .map(({ message }) => `Note: ${message}`);
}
