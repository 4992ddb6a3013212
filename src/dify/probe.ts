import { BridgeError } from '../model/errors.ts';
import { isJsonObject } from '../model/json.ts';
import { faultFromAnswer, header } from './faults.ts';
import type { DifyAnswer, DifyHttp } from './http.ts';
import { requestUploadUrl } from './upload-request.ts';

/** What Dify says about itself without authentication. */
export interface VersionProbe {
  /** Undefined when a server answers in Dify's place without naming a version. */
  readonly version: string | undefined;
  /** Dify's clock, to the second. */
  readonly serverDate: Date | undefined;
}

/** Which key and workspace are to be proved. */
export interface InnerKeyOptions {
  readonly innerApiKey: string;
  readonly tenantId: string;
}

const TIMEOUT_MS = 10_000;

/**
 * Finds out whether Dify is at the address, and which version. Rejects as `faultFromAnswer` does, above all with
 * `upstream_wrong_address` where something else than Dify's API answers.
 */
export async function probeVersion(http: DifyHttp, signal: AbortSignal): Promise<VersionProbe> {
  const ping = await get(http, '/console/api/ping', signal);
  if (ping.status === 200) return readProbe(ping);
  // A reverse proxy may keep the console away; the api service itself has this as well.
  const isAbsent = ping.status === 404;
  const fault = await faultFromAnswer(ping);
  if (!isAbsent) throw fault;
  const health = await get(http, '/health', signal);
  if (health.status === 200) return readProbe(health);
  await health.discard();
  throw notDify(ping.path);
}

/**
 * Proves the inner API key and the workspace with a call that runs no tool: it asks for an upload address, which
 * stores nothing. Rejects with `upstream_unauthorized` that names the setting to change. From Dify 1.8 on the
 * workspace is looked up first, so that an unknown one hides whether the key is right.
 */
export async function probeInnerKey(
  http: DifyHttp,
  options: InnerKeyOptions,
  signal: AbortSignal,
): Promise<void> {
  const file = { filename: 'probe.txt', mimeType: 'text/plain' };
  try {
    await requestUploadUrl(http, options, file, signal);
  } catch (error) {
    // The rest of the request is beyond doubt, so a refusal means the workspace.
    if (!(error instanceof BridgeError) || error.upstream?.status !== 400) throw error;
    throw new BridgeError('upstream_unauthorized', `Dify knows no workspace ${options.tenantId}.`, {
      hint: 'DIFY_WORKSPACE_ID must be the id (a UUID) of a workspace of this Dify. Whether DIFY_INNER_API_KEY is right shows only then.',
      ...(error.upstream !== undefined && { upstream: error.upstream }),
      cause: error,
    });
  }
}

function get(http: DifyHttp, path: string, signal: AbortSignal): Promise<DifyAnswer> {
  return http.send({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
}

async function readProbe(answer: DifyAnswer): Promise<VersionProbe> {
  const body = await answer.json();
  if (!isJsonObject(body)) throw notDify(answer.path);
  const named = body['version'];
  const date = new Date(header(answer, 'date') ?? '');
  return {
    version: answer.version ?? (typeof named === 'string' ? named : undefined),
    serverDate: Number.isNaN(date.getTime()) ? undefined : date,
  };
}

function notDify(path: string): BridgeError {
  return new BridgeError(
    'upstream_wrong_address',
    `What answers at DIFY_API_URL (${path}) is not Dify's API.`,
    {
      hint: "Set DIFY_API_URL to Dify's api service, e.g. http://api:5001.",
    },
  );
}
