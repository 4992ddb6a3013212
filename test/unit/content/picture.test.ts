import { describe, expect, it } from 'vitest';
import { bytes, convert, file, openerOf, PNG, textsOf } from '../../support/content-fixtures.ts';
import { BAD_PICTURES, GOOD_PICTURES, pngOf } from '../../support/pictures.ts';

const show = (content: Buffer) => convert([file({ filename: 'p' })], { opener: openerOf(bytes(content)) });

describe('a picture', () => {
  it.each(GOOD_PICTURES)('is shown: %s', async (_, content) => {
    const { content: blocks } = await show(content);
    expect(blocks.map(({ type }) => type)).toEqual(['text', 'image']);
  });

  it.each(BAD_PICTURES)(
    'is linked to, with the reason, if no model takes it: %s',
    async (_, content, why) => {
      const result = await show(content);
      expect(result.content.map(({ type }) => type)).toEqual(['text', 'resource_link']);
      expect(textsOf(result)[0]).toMatch(/^p \(.+\), not shown \(.+\), kept 24 h: dify-file:/);
      expect(textsOf(result)[0]).toMatch(why);
    },
  );

  it('that no model takes leaves its part of the budget to the next one', async () => {
    const opener = openerOf(({ filename }) => bytes(filename === 'bad' ? pngOf(9000, 4) : PNG));
    const result = await convert([file({ filename: 'bad' }), file({ filename: 'good' })], {
      opener,
      limits: { maxInlineBytes: 100 },
    });
    expect(result.content.map(({ type }) => type)).toEqual(['text', 'resource_link', 'text', 'image']);
  });
});
