// What the bundled program has in the place of @redis/client: a file beside it, which is read where Redis is used. All
// commands of Redis come to 3 MB of memory, which most people have no use for.
export const { createClient, ErrorReply, RESP_TYPES } = await import('./redis-client.js');
