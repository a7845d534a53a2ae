export async function buildDist() {}
