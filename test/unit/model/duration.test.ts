import { expect, it } from 'vitest';
import { durationText } from '../../../src/model/duration.ts';

it.each([
  [86_400_000, '24 hours'],
  [3_600_000, '1 hour'],
  [5_400_000, '90 minutes'],
  [1_260_000, '21 minutes'],
  [61_000, '61 seconds'],
  [1500, '1.5 seconds'],
  [1000, '1 second'],
  [250, '250 ms'],
])('%d ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
