import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createPrompter, type Prompter } from '../../../src/cli/prompter.ts';

const ENTER = '\r';
const DOWN = '\u001b[B';
const CTRL_C = '\u0003';

const signals = new EventEmitter();

/** Asks one question, types when it has appeared, and answers what came of it and what was shown. */
async function ask<T>(
  question: (prompter: Prompter) => Promise<T>,
  ...keys: readonly (string | (() => void))[]
) {
  const [input, output] = [new PassThrough(), Object.assign(new PassThrough(), { columns: 0 })];
  let shown = '';
  const appeared = new Promise<void>((resolve) => {
    output.on('data', (chunk: Buffer) => {
      shown += chunk.toString('utf8');
      if (shown.includes('Which?')) resolve();
    });
  });
  const answer = question(
    await createPrompter(input, output, (name, listener) => {
      signals.on(name, listener);
      return () => void signals.off(name, listener);
    }),
  );
  answer.catch(() => undefined);
  await appeared;
  for (const key of keys) {
    if (typeof key === 'string') input.write(key);
    else key();
    // A key of several bytes is recognised by the short time between them.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { answer, shown: () => shown };
}

it('takes what is typed, or the suggestion', async () => {
  const typed = await ask((prompter) => prompter.text('Which?', 'this'), 'that', ENTER);
  expect(await typed.answer).toBe('that');
  const suggested = await ask((prompter) => prompter.text('Which?', 'this'), ENTER);
  expect(await suggested.answer).toBe('this');
});

it('asks for something where there is no suggestion', async () => {
  const { answer, shown } = await ask((prompter) => prompter.text('Which?'), ENTER, 'x', ENTER);
  expect(await answer).toBe('x');
  expect(shown()).toContain('Please type something');
});

it('shows nothing of a secret', async () => {
  const { answer, shown } = await ask((prompter) => prompter.secret('Which?'), 'fake-secret', ENTER);
  expect(await answer).toBe('fake-secret');
  expect(shown()).not.toContain('fake');
  expect(shown()).not.toMatch(/[•▪*]{2}/);
});

it.each([
  [false, 'fake secret'],
  [true, ' fake secret '],
])('keeps spaces around a secret only if it is asked exactly (%s)', async (exact, expected) => {
  const { answer } = await ask((prompter) => prompter.secret('Which?', { exact }), ' fake secret ', ENTER);
  expect(await answer).toBe(expected);
});

it('offers choices of any kind', async () => {
  const choices = [
    { value: 1, label: 'One' },
    { value: 2, label: 'Two', hint: 'the second' },
  ];
  const { answer, shown } = await ask((prompter) => prompter.select('Which?', choices), DOWN, ENTER);
  expect(await answer).toBe(2);
  expect(shown()).toContain('the second');
});

it.each([
  [true, [ENTER], true],
  [false, [ENTER], false],
  [true, ['n'], false],
] as const)('confirms; suggested %s and typed %j it is %s', async (suggestion, keys, expected) => {
  const { answer } = await ask((prompter) => prompter.confirm('Which?', suggestion), ...keys);
  expect(await answer).toBe(expected);
});

it.each([
  ['Ctrl+C', CTRL_C],
  ['a SIGTERM', () => void signals.emit('SIGTERM')],
])('can be given up with %s', async (_, key) => {
  const { answer } = await ask((prompter) => prompter.text('Which?'), key);
  await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
  expect(signals.listenerCount('SIGTERM')).toBe(0);
});

it('keeps lines whole on a terminal that reports no columns', async () => {
  const { answer, shown } = await ask((prompter) => prompter.text('Which?  Which address?'), 'x', ENTER);
  await answer;
  expect(shown()).toContain('Which address?');
});
