// Replaces rate-limiter-flexible in the bundled program by the two counters that src/calls/ uses. All of it includes a
// dozen databases, which every start would load.
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js';
import RateLimiterRedis from 'rate-limiter-flexible/lib/RateLimiterRedis.js';

export { RateLimiterMemory, RateLimiterRedis };
