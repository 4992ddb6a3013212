import { errorFrame, frame, line, rawFrame } from '../../../support/dify-wire.ts';
import type { ScriptedAnswer } from '../../../support/scripted-dify.ts';
import { type Row, said, STREAM, streamed, textMessage } from './row.ts';

/** The largest frame that the bridge of the fixtures accepts, in bytes. */
export const MAX_FRAME_BYTES = 64 * 1024;

const FIRST = textMessage('Grüße 👋 ');
const SECOND = textMessage('aus Dify');
const WHOLE = { content: [said('Grüße 👋 aus Dify')] };
const FRAMES = Buffer.concat([frame(FIRST), frame(SECOND)]);

const rows = (title: string, answer: ScriptedAnswer, expected: Row['expected'] = WHOLE): Row => ({
  title,
  answer,
  expected,
});

function pieces(bytes: Buffer, length: number): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += length) found.push(bytes.subarray(at, at + length));
  return found;
}

const lines = (...texts: string[]): Buffer => Buffer.from(texts.join(''));
const asJson = (data: unknown): string => JSON.stringify({ data, error: '' });

/** What came whole before the stream broke stays in the result. */
function broken(says: string): Row['expected'] {
  return {
    says: [says, 'The tool may have run to its end in Dify'],
    before: [said('Output before the error:'), said('Grüße 👋 ')],
  };
}

/** The ways in which the bytes of an answer can come. */
export const FRAMINGS: readonly Row[] = [
  rows('a frame a chunk', streamed(frame(FIRST), frame(SECOND))),
  rows('all frames in one chunk', streamed(FRAMES)),
  rows('a byte a chunk', streamed(...pieces(FRAMES, 1))),
  rows('chunks of 7 bytes', streamed(...pieces(FRAMES, 7))),
  rows('a longer header than known', streamed(rawFrame(asJson(FIRST), 24), frame(SECOND))),
  rows('headers long before the first frame', {
    headers: STREAM,
    chunks: [{ bytes: new Uint8Array() }, { afterMs: 20, bytes: frame(FIRST) }, { bytes: frame(SECOND) }],
  }),
  rows('no Content-Type and no version', { chunks: [{ bytes: FRAMES }] }),
  rows('nothing behind the error frame is read', streamed(errorFrame('stop'), frame(SECOND)), {
    says: [/^The tool failed: stop$/],
  }),
  rows('a frame that is no JSON', streamed(frame(FIRST), rawFrame('{oops'), frame(SECOND)), {
    content: [said('Grüße 👋 '), said('[message of unknown type "unreadable"] "{oops"'), said('aus Dify')],
  }),
  rows('a frame as large as the limit', streamed(frameOf(MAX_FRAME_BYTES)), {
    content: [expectedText(MAX_FRAME_BYTES)],
  }),
  rows('a frame over the limit', streamed(frame(FIRST), frameOf(MAX_FRAME_BYTES + 1)), {
    says: [`${MAX_FRAME_BYTES + 1} bytes where the bridge accepts ${MAX_FRAME_BYTES}`, 'calls.maxFrameBytes'],
    before: [said('Output before the error:'), said('Grüße 👋 ')],
  }),
  rows(
    'an end within a frame',
    streamed(frame(FIRST), frame(SECOND).subarray(0, 30)),
    broken("Dify's answer ended inside a frame."),
  ),
  rows(
    'an end within a header',
    streamed(frame(FIRST), frame(SECOND).subarray(0, 3)),
    broken("Dify's answer ended inside a frame."),
  ),
  rows(
    'something else where a frame should begin',
    streamed(frame(FIRST), Buffer.from([0x42, 0, 0, 0])),
    broken("Dify's answer has the byte 0x42 where a frame should begin."),
  ),
  rows('something else from the start', streamed(Buffer.from([0x99, 1, 2])), {
    says: ['begins with the byte 0x99, which starts no known format'],
  }),
  rows(
    'a connection that breaks',
    { ...streamed(frame(FIRST)), ending: 'reset' },
    {
      says: ['broke in the middle of the answer', 'unknown: check before repeating it'],
      before: [said('Output before the error:'), said('Grüße 👋 ')],
    },
  ),
  rows('lines, as before 1.4.2', streamed(line(FIRST), line(SECOND))),
  rows('lines, a byte a chunk', streamed(...pieces(Buffer.concat([line(FIRST), line(SECOND)]), 1))),
  rows(
    'lines of a real event stream',
    streamed(
      lines('event: message\r\n', `data: ${asJson(FIRST)}\r\n\r\n`),
      lines(': still there\n\n', `data:${asJson(SECOND)}\n\n`),
    ),
  ),
  rows('a last line without its end', streamed(line(FIRST), lines(asJson(SECOND)))),
  rows('a failure in a line', streamed(line(FIRST), line(null, 'stop')), {
    says: [/^The tool failed: stop$/],
    before: [said('Output before the error:'), said('Grüße 👋 ')],
  }),
  rows(
    'an end within a line',
    streamed(line(FIRST), lines(asJson(SECOND).slice(0, 20))),
    broken("Dify's answer ended inside a line."),
  ),
  rows('a line over the limit', streamed(line(textMessage('x'.repeat(MAX_FRAME_BYTES)))), {
    says: [`more than ${MAX_FRAME_BYTES} bytes`, 'calls.maxFrameBytes'],
  }),
  rows('a web page under the name of a stream', streamed(lines('<html>nginx</html>')), {
    says: ["a web page instead of Dify's API", 'Set DIFY_API_URL'],
  }),
];

function filling(size: number): string {
  return 'x'.repeat(size - Buffer.byteLength(asJson(textMessage(''))));
}

function frameOf(size: number): Buffer {
  return frame(textMessage(filling(size)));
}

function expectedText(size: number): unknown {
  return said(filling(size));
}
