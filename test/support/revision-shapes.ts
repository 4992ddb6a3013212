import { z } from 'zod';

/** The revisions that the bridge serves, oldest first. */
export const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof REVISIONS)[number];

/**
 * What the bridge may send to a client of one revision, written down from its schema. Unlike most clients, these shapes
 * refuse every member that the revision does not know.
 */
export function shapesOf(revision: Revision) {
  const since = (first: Revision): boolean => revision >= first;
  const modern = since('2026-07-28');
  /** A member that a revision brought: refused before it. */
  const from = <T extends z.ZodType>(first: Revision, shape: T) =>
    since(first) ? shape.optional() : z.undefined().optional();

  const base64 = z.base64().min(1);
  const mimeType = z.string().min(1);
  const text = z.strictObject({ type: z.literal('text'), text: z.string() });
  const image = z.strictObject({ type: z.literal('image'), data: base64, mimeType });
  const audio = z.strictObject({ type: z.literal('audio'), data: base64, mimeType });
  const contents = z.union([
    z.strictObject({ uri: z.url(), mimeType, text: z.string() }),
    z.strictObject({ uri: z.url(), mimeType, blob: base64 }),
  ]);
  const resource = z.strictObject({ type: z.literal('resource'), resource: contents });
  const link = z.strictObject({
    type: z.literal('resource_link'),
    uri: z.url(),
    name: z.string().min(1),
    mimeType,
    size: z.int(),
  });
  const block = z.union([
    text,
    image,
    resource,
    ...(since('2025-03-26') ? [audio] : []),
    ...(since('2025-06-18') ? [link] : []),
  ]);
  const result = modern
    ? { resultType: z.literal('complete'), _meta: z.record(z.string(), z.unknown()) }
    : {};
  const cached = modern ? { ttlMs: z.int(), cacheScope: z.enum(['public', 'private']), ...result } : result;
  const calledTool = {
    content: z.array(block).min(1),
    structuredContent: from('2025-06-18', z.record(z.string(), z.unknown())),
    isError: z.boolean().optional(),
  };
  const hint = z.boolean().optional();
  const annotations = z.strictObject({
    title: z.string().optional(),
    readOnlyHint: hint,
    destructiveHint: hint,
    idempotentHint: hint,
    openWorldHint: hint,
  });
  const schema = z.looseObject({ type: z.literal('object') });
  return {
    callTool: z.strictObject({ ...calledTool, ...result }),
    /** The result inside of a finished task. */
    taskResult: z.strictObject(calledTool),
    listTools: z.strictObject({
      tools: z
        .array(
          z.strictObject({
            name: z.string(),
            description: z.string(),
            inputSchema: schema,
            annotations: from('2025-03-26', annotations),
            title: from('2025-06-18', z.string()),
            outputSchema: from('2025-06-18', schema),
          }),
        )
        .min(1),
      ...cached,
    }),
    listResources: z.strictObject({
      resources: z
        .array(
          z.strictObject({
            uri: z.url(),
            name: z.string(),
            mimeType,
            size: z.int(),
            description: z.string(),
            title: from('2025-06-18', z.string()),
          }),
        )
        .min(1),
      ...cached,
    }),
    readResource: z.strictObject({ contents: z.array(contents).min(1), ...cached }),
    progress: z.strictObject({
      progressToken: z.union([z.string(), z.int()]),
      progress: z.number(),
      message: from('2025-03-26', z.string()),
    }),
  };
}
