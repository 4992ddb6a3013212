import { BridgeError } from '../../model/errors.ts';
import { textOf } from '../../model/json.ts';
import type { FileOpener } from '../../model/ports.ts';
import type { ConsoleSession } from '../console/session.ts';
import { encodeForm } from '../files/form.ts';
import { expectStatus } from './account-errors.ts';

const CONTENT = Buffer.from('dify-mcp-bridge doctor\n');
const FILE = {
  filename: 'dify-mcp-bridge-doctor.txt',
  mimeType: 'text/plain',
  size: CONTENT.length,
  async *read() {
    yield CONTENT;
  },
};

/** Uploads a small file and fetches it again. Resolves with false if this Dify names no address for it. */
export async function probeFile(
  session: ConsoleSession,
  opener: FileOpener,
  signal: AbortSignal,
): Promise<boolean> {
  const path = '/console/api/files/upload';
  const answer = await session.send({ method: 'POST', path, content: () => encodeForm(FILE), signal });
  const url = textOf((await expectStatus(session, answer, 201))['source_url']);
  if (url === undefined) return false;
  const file = await opener.open({ url }, signal);
  const chunks: Uint8Array[] = [];
  if (file.kind === 'open') for await (const chunk of file.body) chunks.push(chunk);
  if (Buffer.concat(chunks).equals(CONTENT)) return true;
  const reason = file.kind === 'unavailable' ? file.reason : 'Something else came back.';
  throw new BridgeError('upstream_error', `Dify took a file but did not give it back. ${reason}`, {
    hint: "Set dify.filesUrl (DIFY_FILES_URL) to the address that serves /files: FILES_URL in Dify's .env. nginx must pass /files to the api service.",
  });
}
