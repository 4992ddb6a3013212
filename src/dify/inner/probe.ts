import { randomUUID } from 'node:crypto';
import { BridgeError } from '../../model/errors.ts';
import { isJsonObject, textOf } from '../../model/json.ts';
import { createDownloadRequest, type InnerAccess } from '../files/download-request.ts';
import { errorFromAnswer } from '../wire/answer-errors.ts';
import type { FileLink } from '../files/links.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import type { DifyHttp } from '../wire/http.ts';
import { header } from '../wire/reply.ts';
import { signFileQuery } from '../files/signature.ts';
import { requestUploadUrl } from '../files/upload-request.ts';

/** What Dify says about itself without authentication. */
export interface VersionProbe {
  /** Undefined if the server that answers does not report a version. */
  readonly version: string | undefined;
  /** Dify's clock, to the second. */
  readonly serverDate: Date | undefined;
}

const TIMEOUT_MS = 10_000;

/** Returns Dify's version and clock. Rejects as `errorFromAnswer` does, and if something other than Dify answers. */
export async function probeVersion(http: DifyHttp, signal: AbortSignal): Promise<VersionProbe> {
  const ping = await get(http, '/console/api/ping', signal);
  if (ping.status === 200) return readProbe(ping);
  // A reverse proxy may block the console; the api service itself answers this route too.
  const isAbsent = ping.status === 404;
  const error = await errorFromAnswer(ping);
  if (!isAbsent) throw error;
  const health = await get(http, '/health', signal);
  if (health.status === 200) return readProbe(health);
  await health.discard();
  throw notDify(ping.path);
}

/**
 * Verifies the inner API key and the workspace without running a tool: it requests an upload address, which stores
 * nothing. Rejects with `upstream_unauthorized` that names the setting to change. Since Dify 1.8 the workspace is looked
 * up first, so an unknown workspace hides whether the key is right.
 */
export async function probeInnerKey(
  http: DifyHttp,
  options: InnerAccess,
  signal: AbortSignal,
): Promise<void> {
  const file = { filename: 'probe.txt', mimeType: 'text/plain' };
  try {
    await requestUploadUrl(http, options, file, signal);
  } catch (error) {
    // Everything else in the request is valid, so a refusal means that the workspace is unknown.
    if (!(error instanceof BridgeError) || error.upstream?.status !== 400) throw error;
    throw new BridgeError('upstream_unauthorized', `Dify knows no workspace ${options.tenantId}.`, {
      hint: 'DIFY_WORKSPACE_ID must be the id (a UUID) of a workspace of this Dify. DIFY_INNER_API_KEY can be checked only after that.',
      upstream: error.upstream,
      cause: error,
    });
  }
}

/** Verifies with a made-up key that the address reaches the inner API, which nginx does not pass on. */
export async function probeInnerApi(http: DifyHttp, signal: AbortSignal): Promise<void> {
  const nobody = { innerApiKey: 'none', tenantId: '00000000-0000-4000-8000-000000000000' };
  try {
    await probeInnerKey(http, nobody, signal);
  } catch (error) {
    if (!(error instanceof BridgeError) || error.code !== 'upstream_unauthorized') throw error;
    // A refusal with another status comes from a proxy and says nothing about the server behind it.
    if (error.upstream?.status !== 400 && error.upstream?.status !== 404) throw error;
  }
}

/** Returns whether Dify accepts links signed with a secret key. Rejects if Dify cannot be reached. */
export async function probeSigning(
  http: DifyHttp,
  secretKey: string,
  signal: AbortSignal,
): Promise<{ readonly verdict: 'accepted' | 'refused' | 'unexpected'; readonly status: number }> {
  const id = randomUUID();
  const query = signFileQuery(id, secretKey, Math.floor(Date.now() / 1000));
  const answer = await get(http, `/files/tools/${id}.png${query}`, signal);
  await answer.discard();
  const { status } = answer;
  // Dify checks the signature first and then does not find the file: 415 so far; 404 would mean the same.
  if (status === 415 || status === 404) return { verdict: 'accepted', status };
  return { verdict: status === 403 ? 'refused' : 'unexpected', status };
}

/** Returns whether Dify gives addresses of files for the inner API key alone; asks for one that cannot exist. */
export async function probeDownloadRequest(
  http: DifyHttp,
  options: InnerAccess,
  signal: AbortSignal,
): Promise<boolean> {
  const id = randomUUID();
  const link: FileLink = { kind: 'tool', id, path: `/files/tools/${id}.bin`, query: '', signed: false };
  const { kind } = await createDownloadRequest(http, options)(link, signal);
  return kind === 'unavailable' || kind === 'address';
}

function get(http: DifyHttp, path: string, signal: AbortSignal): Promise<DifyAnswer> {
  return http.send({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
}

async function readProbe(answer: DifyAnswer): Promise<VersionProbe> {
  const body = await answer.json();
  if (!isJsonObject(body)) throw notDify(answer.path);
  const date = new Date(header(answer, 'date') ?? '');
  return {
    version: answer.version ?? textOf(body['version']),
    serverDate: Number.isNaN(date.getTime()) ? undefined : date,
  };
}

function notDify(path: string): BridgeError {
  const hint = "Set DIFY_API_URL to Dify's api service, e.g. http://api:5001.";
  const message = `What answers at DIFY_API_URL (${path}) is not Dify's API.`;
  return new BridgeError('upstream_wrong_address', message, { hint });
}
