import { JSON_TYPES, type JsonType, type Shape, typeOfShape } from './shape.ts';

const ANY: Shape = { kind: 'any' };

/** Returns the shape of all values of these types; of every value if there are none. */
export function shapeOfTypes(types: readonly JsonType[]): Shape {
  return types.length === 0 ? ANY : unionOf(types.map(shapeOfType));
}

function shapeOfType(type: JsonType): Shape {
  switch (type) {
    case 'integer':
      return { kind: 'number', integer: true };
    case 'number':
      return { kind: 'number', integer: false };
    case 'object':
      return { kind: 'object', properties: [], open: true };
    case 'array':
      return { kind: 'array', items: { shape: ANY } };
    default:
      return { kind: type };
  }
}

/** Returns one shape for values that have any of these shapes. Of shapes with the same type, the result may accept more. */
export function unionOf(shapes: readonly Shape[]): Shape {
  const all = shapes.flatMap((shape) => (shape.kind === 'any' ? (shape.alternatives ?? [shape]) : [shape]));
  const byType = new Map<JsonType, Shape>();
  for (const shape of all) {
    const type = typeOfShape(shape);
    if (type === undefined) return ANY;
    const key = type === 'integer' ? 'number' : type;
    const known = byType.get(key);
    byType.set(key, known === undefined ? shape : either(known, shape));
  }
  const alternatives = [...byType.values()];
  const [only] = alternatives;
  return alternatives.length === 1 && only !== undefined ? only : { kind: 'any', alternatives };
}

/** Returns the shape of two that have the same type. */
function either(a: Shape, b: Shape): Shape {
  if (a.kind === 'choice' && b.kind === 'choice') {
    return { kind: 'choice', values: [...new Set([...a.values, ...b.values])] };
  }
  if (a.kind === 'number-choice' && b.kind === 'number-choice') {
    return { kind: 'number-choice', values: [...new Set([...a.values, ...b.values])] };
  }
  if (a.kind === 'array' && b.kind === 'array') {
    const nullable = a.items.nullable === true || b.items.nullable === true;
    return { kind: 'array', items: { shape: unionOf([a.items.shape, b.items.shape]), nullable } };
  }
  const types = [a, b].map(typeOfShape);
  return shapeOfType(JSON_TYPES.findLast((type) => types.includes(type)) ?? 'string');
}
