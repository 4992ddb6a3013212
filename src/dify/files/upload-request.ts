import { BridgeError } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import { errorFromAnswer } from '../wire/answer-errors.ts';
import type { DifyHttp } from '../wire/http.ts';
import { quoted } from '../wire/plain-words.ts';
import { isWebPage } from '../wire/reply.ts';

const PATH = '/inner/api/upload/file/request';
const TIMEOUT_MS = 30_000;
const MAX_QUOTE = 300;

/**
 * Asks Dify for an address that takes one upload of exactly this name and type, for 300 s. Relative, or with
 * whatever host Dify calls itself by. It carries a signature: keep it out of logs and errors.
 */
export async function requestUploadUrl(
  http: DifyHttp,
  { innerApiKey, tenantId }: { readonly innerApiKey: string; readonly tenantId: string },
  { filename, mimeType }: { readonly filename: string; readonly mimeType: string },
  signal: AbortSignal,
): Promise<string> {
  const answer = await http.send({
    method: 'POST',
    path: PATH,
    headers: { 'x-inner-api-key': innerApiKey },
    body: { tenant_id: tenantId, user_id: '', filename, mimetype: mimeType },
    signal,
    timeoutMs: TIMEOUT_MS,
  });
  if (answer.status !== 200 || isWebPage(answer)) throw await errorFromAnswer(answer);
  const body = await answer.json();
  const { data, error } = isJsonObject(body) ? body : {};
  const url = isJsonObject(data) ? data['url'] : undefined;
  if (typeof url === 'string' && url !== '') return url;
  const said =
    typeof error === 'string' && error !== '' ? ` Dify said: ${quoted(answer, error, MAX_QUOTE)}` : '';
  throw new BridgeError('upstream_error', `Dify gave no address for the upload.${said}`, {
    hint: "The log of Dify's api service may have the cause.",
    upstream: { status: answer.status, path: answer.path },
  });
}
