import { apiProvider, type Operation, type OperationParameter } from './api-provider.ts';
import type { SandboxProvider } from './provider.ts';

const PET_ID: OperationParameter = {
  name: 'petId',
  in: 'path',
  type: 'integer',
  required: true,
  description: 'Number of the pet.',
};

const OPERATIONS: readonly Operation[] = [
  {
    operationId: 'listPets',
    method: 'get',
    path: '/pets',
    summary: 'Lists the pets in the store.',
    parameters: [
      { name: 'kind', in: 'query', description: 'Only pets of this kind, such as cat.' },
      { name: 'limit', in: 'query', type: 'integer', default: 20 },
    ],
  },
  {
    operationId: 'getPet',
    method: 'get',
    path: '/pets/{petId}',
    description: 'Returns one pet by its number.',
    parameters: [PET_ID],
  },
  {
    operationId: 'createPet',
    method: 'post',
    path: '/pets',
    description: 'Adds a pet to the store.',
    parameters: [
      { name: 'name', in: 'body', required: true, description: 'Name of the pet.' },
      { name: 'kind', in: 'body', required: true, description: 'Kind of animal, such as dog.' },
      { name: 'age', in: 'body', type: 'number', description: 'Age in years.' },
    ],
  },
  {
    // Without operationId: Dify generates one from path and method.
    method: 'get',
    path: '/pets/{petId}/card',
    summary: 'Describes one pet in a line of plain text.',
    parameters: [PET_ID],
  },
  {
    operationId: 'pets.remove',
    method: 'delete',
    path: '/pets/{petId}',
    description: 'Removes a pet from the store and returns nothing.',
    parameters: [PET_ID],
  },
];

/** Returns the workspace's custom API over the service at `baseUrl`. */
export function petStoreProvider(baseUrl: string): SandboxProvider {
  return apiProvider({
    id: '5a4db0c5-0000-4000-8000-0000000000a1',
    name: 'Pet store',
    description: 'A small pet store, served over HTTP inside the sandbox.',
    baseUrl,
    operations: OPERATIONS,
  });
}
