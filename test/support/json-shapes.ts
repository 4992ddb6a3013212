/** Keys under which any tool, icon or credential puts what it likes. */
const FREE = new Set([
  'team_credentials',
  'output_schema',
  'input_schema',
  'icon',
  'options',
  'masked_headers',
]);

/** Every path in a JSON value with the types met there; the items of a list share one path. */
export function shapeOf(
  value: unknown,
  path = '$',
  shape = new Map<string, Set<string>>(),
): Map<string, Set<string>> {
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  shape.set(path, (shape.get(path) ?? new Set()).add(type));
  if (Array.isArray(value)) for (const item of value) shapeOf(item, `${path}[]`, shape);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const below = `${path}.${key}`;
      if (FREE.has(key)) shape.set(below, new Set(['free']));
      else shapeOf(item, below, shape);
    }
  }
  return shape;
}

/** Where two values differ in keys, or in types on a path that both have; null fits every type. */
export function shapeDifferences(actual: unknown, expected: unknown): string[] {
  const left = shapeOf(actual);
  const right = shapeOf(expected);
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((path) => {
    const [a, b] = [left.get(path), right.get(path)];
    if (a === undefined) return isNullAbove(left, path) ? [] : `missing ${path}`;
    if (b === undefined) return isNullAbove(right, path) ? [] : `extra ${path}`;
    const fits = a.has('null') || b.has('null') || [...a].some((type) => b.has(type));
    return fits ? [] : `${path}: ${[...a].join('|')} instead of ${[...b].join('|')}`;
  });
}

/** True where one side has null in place of an object that the path leads through. */
function isNullAbove(shape: ReadonlyMap<string, ReadonlySet<string>>, path: string): boolean {
  const steps = path.split(/(?=\.|\[\])/);
  return steps.some((_, index) => shape.get(steps.slice(0, index).join(''))?.has('null') === true);
}
