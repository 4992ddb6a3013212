import { createSigner } from '../../src/sandbox/signing.ts';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { onTestFinished } from 'vitest';

/** One frame as it came. */
export interface DecodedFrame {
  readonly data: { type: string; message: Record<string, unknown>; meta: unknown } | null;
  readonly error: string;
}

/** A sandbox that ends with the test. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await createSandbox(options);
  onTestFinished(() => sandbox.close());
  return sandbox;
}

/** What an invocation names. */
export interface Call {
  readonly tool_type: string;
  readonly provider: string;
  readonly tool: string;
  readonly tool_parameters?: unknown;
  readonly credential_id?: string;
  readonly user_id?: string;
}

/** Sends an invocation with the right key and tenant. */
export function invoke(sandbox: Sandbox, call: Call, signal?: AbortSignal): Promise<Response> {
  return fetch(`${sandbox.url}/inner/api/invoke/tool`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-inner-api-key': sandbox.credentials.innerApiKey },
    body: JSON.stringify({
      tenant_id: sandbox.credentials.workspaceId,
      user_id: '',
      tool_parameters: {},
      ...call,
    }),
    ...(signal && { signal }),
  });
}

/** Invokes a tool that must answer 200, and decodes its frames. */
export async function framesOf(sandbox: Sandbox, call: Call): Promise<DecodedFrame[]> {
  const response = await invoke(sandbox, call);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`${response.status}: ${Buffer.from(bytes).toString()}`);
  return decodeFrames(bytes);
}

/** The frames of an answer, read with the offsets of the format's description. */
export function decodeFrames(bytes: Uint8Array): DecodedFrame[] {
  const buffer = Buffer.from(bytes);
  const frames: DecodedFrame[] = [];
  let at = 0;
  while (at < buffer.length) {
    if (buffer[at] !== 0x0f) throw new Error(`no frame begins at ${at}`);
    const start = at + 4 + buffer.readUInt16LE(at + 2);
    const end = start + buffer.readUInt32LE(at + 4);
    frames.push(JSON.parse(buffer.subarray(start, end).toString()) as DecodedFrame);
    at = end;
  }
  return frames;
}

/** The texts of the `text` frames. */
export function textsOf(frames: readonly DecodedFrame[]): unknown[] {
  return frames.filter((frame) => frame.data?.type === 'text').map((frame) => frame.data?.message['text']);
}

/** The messages of one type. */
export function messagesOf(frames: readonly DecodedFrame[], type: string): Record<string, unknown>[] {
  return frames.flatMap((frame) => (frame.data?.type === type ? [frame.data.message] : []));
}

/** A console request with the admin key. */
export async function asAdmin(sandbox: Sandbox, path: string): Promise<Response> {
  return fetch(`${sandbox.url}/console/api${path}`, {
    headers: {
      authorization: `Bearer ${sandbox.credentials.adminApiKey}`,
      'x-workspace-id': sandbox.credentials.workspaceId,
    },
  });
}

/** A login; the password is encoded as 1.11.2 and later want it. */
export function login(
  sandbox: Sandbox,
  fields: { email?: string; password?: string } = {},
): Promise<Response> {
  return fetch(`${sandbox.url}/console/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      email: fields.email ?? sandbox.credentials.email,
      password: Buffer.from(fields.password ?? sandbox.credentials.password).toString('base64'),
      remember_me: true,
    }),
  });
}

/** Cookies of an answer by name. */
export function cookiesOf(response: Response): Map<string, string> {
  return new Map(
    response.headers.getSetCookie().map((cookie) => {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      return [name, value];
    }),
  );
}

/** Cookies as a request carries them. */
export function cookieHeader(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
}

/** The signed address of a link that a frame carries. */
export function signed(sandbox: Sandbox, path: unknown): string {
  const id = /tools\/([\w-]+)\./.exec(String(path))?.[1] ?? '';
  const query = createSigner(sandbox.credentials.secretKey).download(id);
  return `${sandbox.url}${String(path)}?${new URLSearchParams({ ...query }).toString()}`;
}

/** Asks for an upload link. */
export function uploadLink(sandbox: Sandbox, fields: object): Promise<Response> {
  return fetch(`${sandbox.url}/inner/api/upload/file/request`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-inner-api-key': sandbox.credentials.innerApiKey },
    body: JSON.stringify({ tenant_id: sandbox.credentials.workspaceId, user_id: '', ...fields }),
  });
}

/** Asks for an upload link and sends a file there. */
export async function upload(sandbox: Sandbox, file: File, signedType = file.type): Promise<Response> {
  const asked = await uploadLink(sandbox, { filename: file.name, mimetype: signedType });
  const { data } = (await asked.json()) as { data: { url: string } };
  const form = new FormData();
  form.append('file', file);
  return fetch(data.url, { method: 'POST', body: form });
}
