import { setTimeout as sleep } from 'node:timers/promises';
import { writeJson } from '../model/well-formed.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { type Color, drawBarChart } from './chart.ts';
import { parameter } from './declaration.ts';
import { blob, json, log, text, ToolFailure, variable } from './messages.ts';
import { builtinProvider, defineTool, type SandboxProvider } from './provider.ts';

const COLORS: Readonly<Record<string, Color>> = {
  blue: [58, 108, 217],
  green: [47, 143, 91],
  orange: [222, 122, 34],
};
const MOST_BARS = 40;

const drawChart = defineTool(
  'draw_chart',
  {
    label: 'Draw a bar chart',
    description: 'Draws a bar chart of the given numbers and returns it as a PNG image.',
    parameters: [
      parameter('values', {
        type: 'array',
        label: 'Values',
        required: true,
        description: `The numbers to draw, one bar each, at most ${MOST_BARS}.`,
      }),
      parameter('labels', {
        type: 'array',
        label: 'Labels',
        description: 'The labels under the bars, in the same order.',
      }),
      parameter('title', { label: 'Title', description: 'The title above the chart.' }),
      parameter('color', {
        type: 'select',
        label: 'Colour',
        options: Object.keys(COLORS),
        default: 'blue',
        description: 'The colour of the bars.',
      }),
      parameter('width', {
        type: 'number',
        label: 'Width',
        default: 640,
        min: 320,
        max: 1600,
        description: 'Width of the image in pixels.',
      }),
    ],
  },
  async function* (given) {
    const values = numbers(given['values']);
    const width = typeof given['width'] === 'number' ? given['width'] : 640;
    if (!Number.isInteger(width) || width < 320 || width > 1600) {
      throw new ToolFailure('width must be a whole number from 320 to 1600');
    }
    const labels = Array.isArray(given['labels']) ? given['labels'].map((label: Json) => words(label)) : [];
    const title = words(given['title'] ?? '');
    const color = COLORS[words(given['color'] ?? '')] ?? [58, 108, 217];
    const height = Math.round(width * 0.625);
    const picture = drawBarChart({ values, labels, title, color, width, height });
    yield text(`A bar chart of ${values.length} values, ${width} by ${height} pixels.`);
    yield blob(picture, { mime_type: 'image/png', filename: 'chart.png' });
  },
);

const SHELF = [
  { title: 'A field guide to small answers', finding: 'most of it is older than it looks' },
  { title: 'Notes from the reading room', finding: 'opinions differ where measurements are few' },
  { title: 'What the almanac left out', finding: 'the exceptions are the interesting part' },
];

const research = defineTool(
  'research',
  {
    label: 'Research a topic',
    description:
      'Reads made-up sources on a topic, reports each step, and returns a summary. Takes a few seconds.',
    parameters: [
      parameter('topic', { label: 'Topic', required: true, description: 'The topic to research.' }),
      parameter('seconds', {
        type: 'number',
        label: 'Seconds',
        default: 3,
        min: 0,
        max: 60,
        description: 'How long the research takes, in seconds.',
      }),
    ],
    outputSchema: {
      type: 'object',
      properties: { summary: { type: 'string', description: 'The summary, streamed word by word.' } },
    },
  },
  async function* (given, { signal }) {
    const topic = words(given['topic'] ?? '');
    if (topic === '') throw new ToolFailure('topic is required');
    const seconds = typeof given['seconds'] === 'number' ? given['seconds'] : 3;
    if (seconds < 0 || seconds > 60) throw new ToolFailure('seconds must be from 0 to 60');
    const summary = `On ${topic}: ${SHELF.map((source) => source.finding).join('; ')}.`;
    const pieces = summary.match(/\S+\s*/g) ?? [];
    // Half of the time for reading, half for writing.
    const readMs = (seconds * 500) / SHELF.length;
    const writeMs = (seconds * 500) / pieces.length;

    yield log({ id: 'research', label: `Research ${topic}`, status: 'start', data: { topic } });
    for (const [index, source] of SHELF.entries()) {
      const step = { id: `source-${index + 1}`, parentId: 'research', label: `Read "${source.title}"` };
      yield log({ ...step, status: 'start' });
      await sleep(readMs, undefined, { signal });
      yield log({ ...step, status: 'success', data: { finding: source.finding } });
    }
    for (const piece of pieces) {
      yield variable('summary', piece, true);
      await sleep(writeMs, undefined, { signal });
    }
    yield log({ id: 'research', label: `Research ${topic}`, status: 'success', data: { topic } });
    yield text(summary);
    yield json({ topic, sources: SHELF.map((source) => source.title) });
  },
);

/** A plugin whose tools work offline: one draws an image, one takes its time. */
export const studioProvider: SandboxProvider = builtinProvider('paperkite/studio/studio', {
  label: 'Paperkite Studio',
  description: 'Draws charts and researches topics.',
  labels: ['image', 'search'],
  tools: [drawChart, research],
});

function numbers(given: JsonObject[string]): number[] {
  const values = Array.isArray(given) ? given.map((value: Json) => Number(value)) : [];
  if (values.length === 0 || values.length > MOST_BARS || !values.every(Number.isFinite)) {
    throw new ToolFailure(`values must be a list of 1 to ${MOST_BARS} numbers`);
  }
  return values;
}

function words(given: Json): string {
  return typeof given === 'string' ? given : writeJson(given);
}
