// The kinds of work of a soak. Each checks its answer, and returns undefined or what was wrong with it.

const textOf = ({ content = [] }) => content.map(({ text = '' }) => text).join('\n');
const has = (result, text) => (textOf(result).includes(text) ? undefined : `no ${text} in: ${cut(result)}`);
const cut = (value) => JSON.stringify(value).slice(0, 300);

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

export const WORK = {
  async list(client) {
    const { tools } = await client.list();
    return tools.some(({ name }) => name === 'time__weekday') ? undefined : `a list of ${tools.length}`;
  },
  async weekday(client, random) {
    const date = new Date(Date.UTC(1990 + random(60), random(12), 1 + random(28)));
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    return has(await client.call('time__weekday', { year, month, day }), DAYS[date.getUTCDay()]);
  },
  async progress(client, random) {
    const topic = `topic ${random(1e9)}`;
    let seen = 0;
    const onprogress = () => (seen += 1);
    const result = await client.call('paperkite_studio__research', { topic, seconds: 0.2 }, { onprogress });
    return has(result, topic) ?? (seen === 0 ? 'no progress' : undefined);
  },
  async cancel(client, random) {
    const left = new AbortController();
    setTimeout(() => left.abort(), random(400));
    const { signal } = left;
    const end = await client.call('workflow__slow_report', { seconds: 1.5 }, { signal }).then(
      () => 'answered',
      () => 'cancelled',
    );
    return end === 'cancelled' ? undefined : 'a cancelled call was answered';
  },
  async handOff(client) {
    const notice = await client.call('workflow__slow_report', { seconds: 3 });
    const callId = /"?call_id"?:? "?([\w-]{8,})/.exec(textOf(notice))?.[1];
    if (callId === undefined) return `no call ID in: ${cut(notice)}`;
    for (let left = 10; left > 0; left -= 1) {
      const result = await client.call('get_call_result', { call_id: callId });
      if (textOf(result).includes('took 3')) return undefined;
      if (result.isError) return `the call failed: ${cut(result)}`;
    }
    return 'the result of a call did not come';
  },
  async file(client, random) {
    const text = `file ${random(1e9)} `.repeat(1 + random(2000));
    const data = Buffer.from(text).toString('base64');
    const result = await client.call('workflow__echo_file', { file: { data, filename: 'soak.bin' } });
    const uri = /dify-file:[^\s"\\)]+/.exec(cut(result.content.at(-1)) + textOf(result))?.[0];
    if (uri === undefined) return has(result, text.slice(0, 20));
    const { contents } = await client.read(uri);
    const back = contents[0]?.text ?? Buffer.from(contents[0]?.blob ?? '', 'base64').toString();
    return back === text ? undefined : `other bytes came back from ${uri}`;
  },
  async pictures(client) {
    const { content } = await client.call('paperkite_samples__give_files', { kinds: ['png'] });
    return content.some(({ type }) => type === 'image') ? undefined : `no picture in: ${cut(content)}`;
  },
  async longText(client) {
    const result = await client.call('paperkite_samples__write_text', { characters: 300_000 });
    return has(result, 'The kite rose');
  },
  async toolError(client) {
    const result = await client.call('paperkite_mishaps__break_midway', {});
    return result.isError ? has(result, 'missing on purpose') : `no error: ${cut(result)}`;
  },
  async wrongArguments(client) {
    const result = await client.call('time__weekday', { year: 'next' }).catch(({ message }) => ({
      isError: true,
      content: [{ text: message }],
    }));
    return result.isError ? has(result, 'year') : `no error: ${cut(result)}`;
  },
};

/** Returns numbers that follow from a seed. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
