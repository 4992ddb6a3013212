import { failing, messages, type Row, said, streamed, textMessage } from './row.ts';

const wrapped = (message: string, type = 'ToolInvokeError'): string =>
  `PluginInvokeError: ${JSON.stringify({ args: {}, error_type: type, message })}`;

/** An error frame whose text is for people already. */
function plain(title: string, text: string, tool?: Row['tool']): Row {
  return {
    title,
    ...(tool && { tool }),
    answer: failing(text),
    expected: { says: [new RegExp(`^The tool failed: ${escaped(text)}$`)] },
  };
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** A failure with words that the bridge knows. */
function known(title: string, words: string, says: string, tool: Row['tool']): Row {
  return {
    title,
    ...(tool && { tool }),
    answer: failing(words),
    expected: { says: [says, `Dify said: ${words}`] },
  };
}

/** Failures that Dify reports within the stream, by status 200 and a frame with `error`. */
export const FAILURES: readonly Row[] = [
  plain('a hard-coded tool misses a parameter', 'Month is required', 'hardcoded'),
  plain('an api misses a parameter', 'Missing required parameter q', 'api'),
  plain('an api answers an error', 'Request failed with status code 422 and {"detail": "nope"}', 'api'),
  known(
    'an api refuses the connection',
    '[Errno 111] Connection refused',
    'Dify cannot connect to the API',
    'api',
  ),
  known('an api is too slow', 'timed out', 'did not answer Dify in time', 'api'),
  {
    title: 'a plugin raises',
    answer: failing(`req_id: f0071bb9a6 ${wrapped('kaput')}`),
    expected: { says: [/^The tool failed: kaput$/] },
  },
  {
    title: 'a plugin raises, before request ids',
    answer: failing(wrapped('kaput')),
    expected: { says: [/^The tool failed: kaput$/] },
  },
  {
    title: 'a plugin raises something of its own',
    answer: failing(wrapped('no such city', 'ValueError')),
    expected: { says: [/^The tool failed: ValueError: no such city$/] },
  },
  {
    title: 'a plugin raises after good frames',
    answer: failing(wrapped('kaput'), textMessage('one '), textMessage('two')),
    expected: {
      says: [/^The tool failed: kaput$/],
      before: [said('Output before the error:'), said('one two')],
    },
  },
  {
    title: 'a tool fails after structured output',
    answer: failing('kaput', {
      type: 'json',
      message: { json_object: { half: true }, suppress_output: false },
      meta: {},
    }),
    expected: {
      says: [/^The tool failed: kaput$/],
      before: [said('Output before the error:'), said('{"half":true}')],
    },
  },
  {
    title: 'an exception without a text',
    answer: failing(''),
    expected: { says: ["The plugin or Dify's plugin daemon stopped in the middle of the call."] },
  },
  plain('a workflow misses an input', 'q is required in input form', 'workflow'),
  plain('a workflow gets too much', 'q in input form must be less than 48 characters', 'workflow'),
  plain('a workflow gets no file', 'f in input form must be a file', 'workflow'),
  plain('a node of a workflow fails', 'Run failed: Node 42 says no', 'workflow'),
  known('a workflow exceeds the time of its app', 'Stopped by user.', 'longer than Dify allows', 'workflow'),
  known(
    'a workflow exceeds its own time',
    'Aborted: Maximum execution time exceeded: 8.12s > 3s',
    'longer than Dify allows',
    'workflow',
  ),
  known(
    'a workflow is not published',
    'workflow not found or not published',
    'The workflow behind the tool no longer exists',
    'workflow',
  ),
  {
    title: 'a workflow of 1.12 answers a file',
    tool: 'workflowWithFile',
    answer: failing('1 validation error for FileMessage\nfile_marker\n  Field required [type=missing]'),
    expected: { says: ['Dify 1.12.1 cannot return files of workflow tools', '1.13 and later can'] },
  },
  known(
    'a code node has no sandbox',
    'Failed to execute code, which is likely a network issue',
    "Dify's service for running code (sandbox) is down.",
    'workflow',
  ),
  known(
    'an MCP server cannot be reached',
    'Failed to connect to MCP server: refused',
    'Dify cannot connect to the MCP server',
    'mcp',
  ),
  plain('an MCP server fails', 'Failed to invoke tool: boom', 'mcp'),
  plain('a cast fails within the stream', "invalid literal for int() with base 10: 'abc'"),
  {
    title: 'a stream without any frame',
    answer: streamed(),
    expected: { content: [said('The tool finished without output.')] },
  },
  {
    title: 'a stream of steps only',
    answer: messages({
      type: 'log',
      message: {
        id: '1',
        label: 'step',
        parent_id: null,
        error: null,
        status: 'start',
        data: {},
        metadata: {},
      },
      meta: null,
    }),
    expected: { content: [said('The tool finished without output.')] },
  },
];
