import type { App } from '../app/app.ts';
import { forEachBounded } from '../model/async.ts';
import { asBridgeError } from '../model/errors.ts';
import type { PublishedTool, Registry } from '../model/registry.ts';
import { type UsedCredential, usedCredential } from '../registry/credential.ts';
import { type Finding, warn } from './doctor-checks.ts';
import { count } from './output.ts';

const CONCURRENCY = 4;

/** Returns whether Dify chooses a credential for the calls of a tool. */
function hasCredentials({ ref, authorized }: PublishedTool): boolean {
  return authorized && ref.providerType === 'builtin' && ref.providerId.includes('/');
}

/** Resolves with the credential that the calls of a tool use; undefined if it needs none or Dify does not say. */
export async function credentialOf(
  app: Pick<App, 'credentials'>,
  tool: PublishedTool,
  signal: AbortSignal,
): Promise<UsedCredential | undefined> {
  if (!hasCredentials(tool)) return undefined;
  const listing = await app.credentials(tool.ref.providerId, signal);
  return listing && usedCredential(tool, listing);
}

/** Resolves with the credentials that the published tools use; undefined if none needs one. */
export async function credentialsFinding(
  app: Pick<App, 'credentials'>,
  registry: Registry,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  // One tool for each credential that presets choose, or that Dify does.
  const tools = new Map(
    registry.tools
      .filter(hasCredentials)
      .map((tool) => [`${tool.ref.providerId} ${tool.credentialId ?? ''}`, tool]),
  );
  const lines: string[] = [];
  let doubts = 0;
  await forEachBounded(tools.values(), CONCURRENCY, async (tool) => {
    const { providerId } = tool.ref;
    try {
      const credential = await credentialOf(app, tool, signal);
      if (credential === undefined) return;
      if (credential.isPrivate) doubts += 1;
      lines.push(`${providerId}: ${credential.sentence}`);
    } catch (thrown) {
      signal.throwIfAborted();
      doubts += 1;
      lines.push(`The credentials of ${providerId} could not be listed: ${asBridgeError(thrown).message}`);
    }
  });
  if (lines.length === 0) return undefined;
  const message = `Every client uses ${count(lines.length, 'credential')} of this workspace.`;
  const details = lines.sort();
  if (doubts === 0) return { status: 'pass', message, details };
  const fix =
    'Add a credential for all members in Dify, and name it in a preset (credential), or make it the default one.';
  return warn(message, fix, details);
}
