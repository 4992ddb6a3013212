import { Hono } from 'hono';
import { isJsonObject } from '../model/json.ts';
import type { App, AppTypes } from './state.ts';

interface Pet {
  readonly id: number;
  readonly name: string;
  readonly kind: string;
  readonly age: number;
}

/** The most pets, so that the sandbox can run for days. */
const CAPACITY = 500;

/** Returns the HTTP service behind the custom API: pets in memory, independent of Dify. */
export function createPetService(): App {
  const pets = new Map<number, Pet>(
    [
      { id: 1, name: 'Biscuit', kind: 'dog', age: 4 },
      { id: 2, name: 'Mori', kind: 'cat', age: 2 },
      { id: 3, name: 'Tuesday', kind: 'tortoise', age: 61 },
    ].map((pet) => [pet.id, pet]),
  );
  let nextId = 4;
  const app = new Hono<AppTypes>();

  app.get('/pets', (c) => {
    const kind = c.req.query('kind');
    const limit = Number(c.req.query('limit') ?? 20);
    const found = [...pets.values()].filter((pet) => kind === undefined || pet.kind === kind);
    return c.json(found.slice(0, limit));
  });
  app.get('/pets/:id', (c) => {
    const pet = pets.get(Number(c.req.param('id')));
    return pet === undefined ? c.json({ detail: 'No pet has that id.' }, 404) : c.json(pet);
  });
  app.get('/pets/:id/card', (c) => {
    const pet = pets.get(Number(c.req.param('id')));
    if (pet === undefined) return c.json({ detail: 'No pet has that id.' }, 404);
    return c.text(`${pet.name}, ${pet.kind}, ${pet.age} years old.`);
  });
  app.delete('/pets/:id', (c) => {
    if (!pets.delete(Number(c.req.param('id')))) return c.json({ detail: 'No pet has that id.' }, 404);
    return c.body(null, 204);
  });
  app.post('/pets', async (c) => {
    const body: unknown = await c.req.json().catch(() => undefined);
    const { name, kind, age = 0 } = isJsonObject(body) ? body : {};
    if (typeof name !== 'string' || name === '') return c.json({ detail: 'A pet needs a name.' }, 422);
    if (typeof kind !== 'string' || kind === '') return c.json({ detail: 'A pet needs a kind.' }, 422);
    if (typeof age !== 'number' || age < 0)
      return c.json({ detail: 'The age must be a number from 0.' }, 422);
    if (pets.size >= CAPACITY) return c.json({ detail: 'The store is full.' }, 409);
    const pet: Pet = { id: nextId, name, kind, age };
    nextId += 1;
    pets.set(pet.id, pet);
    return c.json(pet, 201);
  });
  return app;
}
