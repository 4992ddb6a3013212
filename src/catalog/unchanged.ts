import { createHash } from 'node:crypto';
import type { CatalogListing } from '../model/ports.ts';
import type { DifyTool, ToolProvider } from '../model/tool.ts';

/** Fingerprints of what was listed; they go when the listing goes. */
const fingerprints = new WeakMap<ToolProvider | DifyTool, string>();

/**
 * The new listing with every provider, every tool and every part of it that is as before replaced by the very
 * object of before: whoever builds something from a listing sees by identity what has changed. When nothing has,
 * it is the previous listing itself.
 */
export function keepUnchanged(previous: CatalogListing | undefined, next: CatalogListing): CatalogListing {
  if (previous === undefined) return next;
  const before = new Map(previous.providers.map((provider) => [`${provider.type} ${provider.id}`, provider]));
  let reused = false;
  const providers = next.providers.map((provider) => {
    const old = before.get(`${provider.type} ${provider.id}`);
    const kept = old === undefined ? provider : keepProvider(old, provider);
    reused ||= kept !== provider;
    return kept;
  });
  const sameProviders =
    providers.length === previous.providers.length &&
    providers.every((provider, index) => provider === previous.providers[index]);
  const sameProblems = same(previous.problems, next.problems);
  const sameCredentials = same([...(previous.credentials ?? [])], [...(next.credentials ?? [])]);
  if (sameProviders && sameProblems && sameCredentials) return previous;
  const credentials = sameCredentials ? previous.credentials : next.credentials;
  if (!reused && !sameProviders && credentials === next.credentials) return next;
  return {
    providers: sameProviders ? previous.providers : providers,
    problems: next.problems,
    ...(credentials === undefined ? {} : { credentials }),
  };
}

function keepProvider(old: ToolProvider, provider: ToolProvider): ToolProvider {
  if (old === provider || providerFingerprint(old) === providerFingerprint(provider)) return old;
  const tools = new Map(old.tools.map((tool) => [tool.name, tool]));
  return {
    ...provider,
    tools: provider.tools.map((tool) => {
      const before = tools.get(tool.name);
      return before !== undefined && toolFingerprint(before) === toolFingerprint(tool) ? before : tool;
    }),
  };
}

function providerFingerprint(provider: ToolProvider): string {
  const { tools, ...head } = provider;
  return remembered(provider, () => [head, tools.map(toolFingerprint)]);
}

function toolFingerprint(tool: DifyTool): string {
  return remembered(tool, () => tool);
}

function remembered(subject: ToolProvider | DifyTool, content: () => unknown): string {
  let fingerprint = fingerprints.get(subject);
  if (fingerprint === undefined) {
    fingerprint = createHash('sha256').update(JSON.stringify(content())).digest('base64');
    fingerprints.set(subject, fingerprint);
  }
  return fingerprint;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
