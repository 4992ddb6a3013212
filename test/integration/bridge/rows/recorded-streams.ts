import type { TestResult } from '../../../support/mcp-clients.ts';
import type { ScriptedAnswer } from '../../../support/scripted-dify.ts';
import { bodyOf, recording } from '../../../support/shared.ts';
import { PDF, PNG, WAV } from '../../../support/content-fixtures.ts';
import { said } from './row.ts';
import { audio, image, kept, line, resource } from './stored-files.ts';

/** A recorded stream and the result that an MCP client gets of it. */
export interface Replayed {
  readonly name: string;
  /** What the client gives, where it is not what was recorded as sent to Dify. */
  readonly args?: Readonly<Record<string, unknown>>;
  /** Parameters that the bridge adds to the recorded ones. */
  readonly added?: Readonly<Record<string, unknown>>;
  readonly result: () => Partial<TestResult>;
}

const MP3 = Buffer.from('fffb9064', 'hex');
const served = (type: string, bytes: Buffer): ScriptedAnswer => ({
  headers: { 'content-type': type, 'content-length': String(bytes.length), 'x-version': '1.12.1' },
  body: bytes,
});
/** The bytes of these were not recorded. */
export const INVENTED = {
  png: served('image/png', PNG),
  pdf: served('application/pdf', PDF),
  mp3: served('audio/mpeg', MP3),
  bin: served('application/octet-stream', WAV),
  txt: served('text/plain', Buffer.from('x')),
};
const PICTURE = { data: PNG.toString('base64'), filename: 'p.png', mime_type: 'image/png' };
const SHOWN = { filename: 'p.png', mime_type: 'image/png', size: 70 };

/** What the recorded plugin's tool comes to that sends every type of message. */
function everyType(parameters: string) {
  return {
    content: [
      said(`params:${parameters}`),
      said('{"a":[1,{"b":null}]}'),
      said('[1,2]'),
      said('https://example.com/x'),
      line('all_types.png', 'image/png', 70),
      image(PNG, 'image/png'),
      said(
        "Failed to download image: http://127.0.0.1:55002/missing.png: Client error '404 Not Found' for url 'http://127.0.0.1:55002/missing.png'\nFor more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/404",
      ),
      said('y.png (PNG) is on another server and was not fetched: https://example.com/y.png'),
      said('y.bin is on another server and was not fetched: https://example.com/y.bin'),
      line('pic', 'image/png', 70),
      image(PNG, 'image/png'),
      ...kept('a.pdf', 'application/pdf', PDF.length),
      line('all_types-2.mp3', 'audio/mpeg', MP3.length, 'attached below'),
      audio(MP3, 'audio/mpeg'),
      line('all_types-3.wav', 'audio/wav', WAV.length, 'attached below'),
      audio(WAV, 'audio/wav'),
      said('big.txt (TXT, 1 byte), text below, kept 24 h: dify-file://ID/big.txt'),
      resource('big.txt', 'text/plain', 'x'),
      said('ctx\n\nSources:\n- ds'),
      said('{"v":{"k":[1]},"s":"part","n0":null}'),
    ],
  };
}

function fromMcpServer(args: string) {
  return {
    content: [
      said(`hello ${args}`),
      said('{"j":1}'),
      said('{"k":2}'),
      line('mixed.png', 'image/png', 70),
      image(PNG, 'image/png'),
      line('mixed-2.wav', 'audio/wav', WAV.length, 'attached below'),
      audio(WAV, 'audio/wav'),
      said('res text'),
      said('{"x":1}'),
    ],
  };
}

/** A word of the recording that the result contains unchanged. */
const recordedText = (name: string): string => {
  const entry = recording(name);
  const text = entry === undefined ? '' : Buffer.from(bodyOf(entry)).toString('utf8');
  const first =
    /\{"data":\{"type":"text","message":(\{"text":.*?\})(?=,"meta")/s.exec(text)?.[1] ?? '{"text":""}';
  return (JSON.parse(first) as { text: string }).text;
};

/** Every recorded stream but those that the bridge itself prevents. */
export const REPLAYED: readonly Replayed[] = [
  {
    name: 'api-binary',
    result: () => ({
      content: [
        said(
          '[Not shown: 256 characters of a binary file that the tool returned as text, which damaged it. Ask the tool for a link or another format.]',
        ),
      ],
    }),
  },
  {
    name: 'api-json',
    result: () => ({
      content: [said('{"hello": "w\\u00f6rld", "n": 1}')],
    }),
  },
  { name: 'api-list', result: () => ({ content: [said('[1, {"a": 2}]')] }) },
  { name: 'api-text', result: () => ({ content: [said('plain {"x":1}')] }) },
  {
    name: 'api-upstream-422',
    result: () => ({
      content: [said('The tool failed: Request failed with status code 422 and {"detail": "nope"}')],
      isError: true,
    }),
  },
  { name: 'builtin-current-time', result: () => ({ content: [said('2026-11-22 22:12:12')] }) },
  { name: 'builtin-weekday', result: () => ({ content: [said('November 22, 2026 is Sunday.')] }) },
  { name: 'mcp-mixed', result: () => fromMcpServer('{"a": "x"}') },
  { name: 'mcp-remote-is-error', result: () => fromMcpServer('{"a": "err"}') },
  {
    name: 'plugin-all-message-types',
    added: { b: true },
    result: () => everyType('{"q": "hi", "sel": "a"}'),
  },
  {
    name: 'plugin-error-midstream',
    result: () => ({
      content: [said('The tool failed: kaput'), said('Output before the error:'), said('before')],
      isError: true,
    }),
  },
  {
    name: 'plugin-file-parameter',
    args: { q: 'x', f: PICTURE, fs: [PICTURE] },
    added: { b: true },
    // The tool shows what it was given, the addresses of the files included.
    result: () => everyType(recordedText('invoke/plugin-file-parameter').replace('params:', '')),
  },
  {
    name: 'plugin-trickle',
    added: { b: true },
    result: () => everyType('{"q": "slow", "sel": "a"}'),
  },
  {
    name: 'workflow-file-in-and-out',
    args: { f: PICTURE, fl: [PICTURE, PICTURE] },
    result: () => ({
      content: [
        line('p.png', 'image/png', 70),
        image(PNG, 'image/png'),
        said(JSON.stringify({ out: SHOWN, outs: [SHOWN, SHOWN] })),
      ],
    }),
  },
  {
    name: 'workflow-text',
    result: () => ({
      content: [said('{"CHANGED": "héllo"}')],
      structuredContent: { CHANGED: 'héllo' },
    }),
  },
];
