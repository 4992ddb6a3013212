import * as z from 'zod';

/** `server.json` of the MCP registry (schema of 2025-12-11), as far as a package on npm needs it. */
const version = z
  .string()
  .max(255)
  .regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/, { error: 'expected one release: no range, not "latest"' });

const input = {
  description: z.string().min(1),
  isRequired: z.boolean().optional(),
  isSecret: z.boolean().optional(),
  format: z.enum(['string', 'number', 'boolean', 'filepath']).optional(),
  default: z.string().optional(),
  choices: z.array(z.string()).min(1).optional(),
};

const npmPackage = z.strictObject({
  registryType: z.literal('npm'),
  identifier: z.string().min(1),
  version,
  runtimeHint: z.literal('npx'),
  transport: z.strictObject({ type: z.literal('stdio') }),
  packageArguments: z.array(z.strictObject({ type: z.literal('positional'), value: z.string().min(1) })),
  environmentVariables: z
    .array(z.strictObject({ name: z.string().regex(/^[A-Z][A-Z0-9_]*$/), ...input }))
    .refine((variables) => new Set(variables.map(({ name }) => name)).size === variables.length, {
      error: 'a variable occurs twice',
    }),
});

export const serverJson = z.strictObject({
  $schema: z.literal('https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'),
  name: z
    .string()
    .max(200)
    .regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
  title: z.string().min(1).max(100),
  description: z.string().min(1).max(100),
  version,
  repository: z.strictObject({ url: z.url(), source: z.literal('github') }),
  packages: z.array(npmPackage).min(1),
});

export type ServerJson = z.infer<typeof serverJson>;
