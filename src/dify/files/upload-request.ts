import { BridgeError } from '../../model/errors.ts';
import { objectOf, textOf } from '../../model/json.ts';
import type { FileUpload } from '../../model/ports.ts';
import type { InnerAccess } from './download-request.ts';
import { errorFromAnswer } from '../wire/answer-errors.ts';
import type { DifyHttp } from '../wire/http.ts';
import { quoted } from '../wire/plain-words.ts';
import { isWebPage } from '../wire/reply.ts';

const PATH = '/inner/api/upload/file/request';
const TIMEOUT_MS = 30_000;
const MAX_QUOTE = 300;
/** This release refuses its own anonymous user, because the name is not a UUID (fixed in 1.9.1). */
const REFUSES_ANONYMOUS = '1.9.0';

/** Returns the `user_id` to send: the given one, or where Dify refuses the anonymous user, one for the workspace. */
export function endUser(http: DifyHttp, tenantId: string, userId = ''): string {
  return userId === '' && http.version() === REFUSES_ANONYMOUS ? tenantId : userId;
}

/**
 * Asks Dify for an address that accepts one upload of exactly this name and type, for 300 s. Returns it relative or with
 * the host that Dify uses for itself. The address carries a signature: never log it or put it in an error.
 */
export async function requestUploadUrl(
  http: DifyHttp,
  { innerApiKey, tenantId, userId }: InnerAccess & { readonly userId?: string | undefined },
  { filename, mimeType }: Pick<FileUpload, 'filename' | 'mimeType'>,
  signal: AbortSignal,
): Promise<string> {
  const answer = await http.send({
    method: 'POST',
    path: PATH,
    headers: { 'x-inner-api-key': innerApiKey },
    body: { tenant_id: tenantId, user_id: endUser(http, tenantId, userId), filename, mimetype: mimeType },
    signal,
    timeoutMs: TIMEOUT_MS,
  });
  if (answer.status !== 200 || isWebPage(answer)) throw await errorFromAnswer(answer);
  const { data, error } = objectOf(await answer.json());
  const url = textOf(objectOf(data)['url']);
  if (url !== undefined) return url;
  const reason = textOf(error);
  const said = reason === undefined ? '' : ` Dify said: ${quoted(answer, reason, MAX_QUOTE)}`;
  throw new BridgeError('upstream_error', `Dify gave no address for the upload.${said}`, {
    hint: "See the log of Dify's api service for the cause.",
    upstream: { status: answer.status, path: answer.path },
  });
}
