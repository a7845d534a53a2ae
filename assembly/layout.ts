/** Every constant that both sides of the border need; the build turns it into TypeScript. */

export * from './memory';
export * from './status';
export * from './buffer/cell';
export * from './buffer/record';
export * from './buffer/strings';
export * from './compress/level';
export * from './compress/trailers';
