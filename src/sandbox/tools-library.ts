import { isJsonObject, type JsonObject } from '../model/json.ts';
import { mcpProvider } from './mcp-provider.ts';
import type { SandboxProvider } from './provider.ts';

interface Book {
  readonly title: string;
  readonly author: string;
  readonly year: number;
  readonly subjects: readonly string[];
}

const BOOKS: readonly Book[] = [
  { title: 'The Kite Maker', author: 'R. Okafor', year: 1987, subjects: ['craft', 'fiction'] },
  { title: 'Harbour Lights', author: 'L. Sandoval', year: 2003, subjects: ['fiction', 'sea'] },
  { title: 'Tides for Beginners', author: 'M. Virtanen', year: 2015, subjects: ['science', 'sea'] },
  { title: 'Paper, Glue and Wind', author: 'A. Tanaka', year: 2021, subjects: ['craft', 'science'] },
];

/** The tools of an MCP server connected to Dify: a library. */
export const libraryProvider: SandboxProvider = mcpProvider({
  serverIdentifier: 'library-desk',
  databaseId: '5a4db0c5-0000-4000-8000-0000000000c1',
  name: 'Library desk',
  tools: [
    {
      name: 'search_books',
      description: 'Searches the catalogue of a small, fictional library.',
      inputSchema: {
        type: 'object',
        properties: {
          query: { type: 'string', description: 'Words in the title or the name of the author.' },
          filter: {
            type: 'object',
            description: 'Narrows the search.',
            properties: {
              subjects: {
                type: 'array',
                items: { type: 'string' },
                description: 'Only books on any of these subjects.',
              },
              years: {
                type: 'object',
                properties: { from: { type: 'integer' }, to: { type: 'integer' } },
              },
            },
          },
          limit: { type: 'integer', description: 'The most books to return.', default: 10 },
        },
        required: ['query'],
      },
      outputSchema: {
        type: 'object',
        properties: { total: { type: 'integer' }, titles: { type: 'array', items: { type: 'string' } } },
        required: ['total', 'titles'],
      },
      run(args) {
        const found = BOOKS.filter((book) => matches(book, args));
        const limit = typeof args['limit'] === 'number' ? args['limit'] : 10;
        const titles = found.slice(0, limit).map((book) => `${book.title} (${book.author}, ${book.year})`);
        const answer = titles.length === 0 ? 'No book was found.' : titles.join('\n');
        return {
          content: [{ type: 'text', text: answer }],
          structuredContent: { total: found.length, titles },
        };
      },
    },
    {
      name: 'opening_hours',
      description: 'Returns the opening hours of the library.',
      inputSchema: { type: 'object', properties: {} },
      run: () => ({
        content: [
          { type: 'text', text: JSON.stringify({ weekdays: '09:00-18:00', saturday: '10:00-14:00' }) },
        ],
      }),
    },
  ],
});

function matches(book: Book, args: JsonObject): boolean {
  const query = typeof args['query'] === 'string' ? args['query'].toLowerCase() : '';
  const filter = isJsonObject(args['filter']) ? args['filter'] : {};
  const subjects = Array.isArray(filter['subjects']) ? filter['subjects'] : [];
  const years = isJsonObject(filter['years']) ? filter['years'] : {};
  const from = typeof years['from'] === 'number' ? years['from'] : Number.NEGATIVE_INFINITY;
  const to = typeof years['to'] === 'number' ? years['to'] : Number.POSITIVE_INFINITY;
  return (
    `${book.title} ${book.author}`.toLowerCase().includes(query) &&
    (subjects.length === 0 || book.subjects.some((subject) => subjects.includes(subject))) &&
    book.year >= from &&
    book.year <= to
  );
}
