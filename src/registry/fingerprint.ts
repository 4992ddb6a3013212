import { createHash, randomUUID } from 'node:crypto';
import type { ListedTool } from '../model/registry.ts';
import { definitionOf } from '../model/tool-definition.ts';
import type { DifyTool, ToolProvider } from '../model/tool.ts';

/** Digests of what does not change any more; they go when it goes. */
const digests = new WeakMap<object, string>();
const wholeDigests = new WeakMap<ToolProvider, string>();

/** Equal for two declarations of a tool exactly when they say the same. */
export function toolDigest(tool: DifyTool): string {
  return digestOf(digests, tool, () => tool);
}

/** Equal for two providers exactly when they say the same, their tools aside. */
export function providerDigest(provider: ToolProvider): string {
  return digestOf(digests, provider, () => ({ ...provider, tools: undefined }));
}

/** Equal for two providers exactly when they and all their tools say the same. */
export function wholeDigest(provider: ToolProvider): string {
  return digestOf(wholeDigests, provider, () => [
    providerDigest(provider),
    ...provider.tools.map(toolDigest),
  ]);
}

/** Equal for two lists exactly when all that clients see of the tools is equal; hexadecimal digits. */
export function listFingerprint(tools: readonly ListedTool[]): string {
  const hash = createHash('sha256');
  for (const tool of tools) {
    hash.update(digestOf(digests, tool, () => definitionOf(tool)));
  }
  return hash.digest('hex');
}

function digestOf<T extends object>(known: WeakMap<T, string>, subject: T, content: () => unknown): string {
  let digest = known.get(subject);
  if (digest === undefined) {
    digest = createHash('sha256').update(textOf(content)).digest('base64');
    known.set(subject, digest);
  }
  return digest;
}

/** What cannot be read is like nothing else: it is built anew each time, and whoever does meets the reason. */
function textOf(content: () => unknown): string {
  try {
    return JSON.stringify(content());
  } catch {
    return randomUUID();
  }
}
