import { describe, textOf } from '../api/trace/attributes.ts';
import { Group } from '../buffer/record.ts';
import { countOf } from './read-record.ts';
import type { ResourceLike, ScopeLike } from './span-like.ts';

/** A resource that records came with, and the scopes they came with it in. */
interface KnownResource {
  readonly group: Group;
  readonly byScope: WeakMap<ScopeLike, Group>;
  /** Scopes that say the same are one, as upstream has it. */
  readonly byName: Map<string, Group>;
}

/** Resources and scopes that records of another SDK come with. */
export class GroupReader {
  private readonly resources = new WeakMap<ResourceLike, KnownResource>();
  /** Those of this batch that are not complete: they will say more the next time. */
  private readonly incomplete = new Map<ResourceLike, KnownResource>();
  /** Those of the last record. */
  private lastResource: ResourceLike | undefined = undefined;
  private lastScope: ScopeLike | undefined = undefined;
  private last: Group | undefined = undefined;

  scopeOf(resource: ResourceLike, scope: ScopeLike): Group {
    const { last } = this;
    if (last !== undefined && resource === this.lastResource && scope === this.lastScope) {
      return last;
    }
    const found = this.find(resource, scope);
    this.last = found;
    this.lastScope = scope;
    this.lastResource = resource;
    return found;
  }

  /** To be called after a batch: nothing of its records is kept. */
  release(): void {
    this.lastResource = undefined;
    this.lastScope = undefined;
    this.last = undefined;
    this.incomplete.clear();
  }

  private find(resource: ResourceLike, scope: ScopeLike): Group {
    const known =
      this.resources.get(resource) ?? this.incomplete.get(resource) ?? this.know(resource);
    let group = known.byScope.get(scope);
    if (group !== undefined) return group;
    const { name, version = '', schemaUrl = '', attributes } = scope;
    const text = attributes === undefined ? JSON.stringify([name, version, schemaUrl]) : '';
    if (text !== '') group = known.byName.get(text);
    if (group === undefined) {
      group = new Group(describe(attributes), {
        parent: known.group,
        name: textOf(name),
        version: textOf(version),
        schemaUrl: textOf(schemaUrl),
        dropped: countOf(scope.droppedAttributesCount),
      });
      if (text !== '') known.byName.set(text, group);
    }
    known.byScope.set(scope, group);
    return group;
  }

  private know(resource: ResourceLike): KnownResource {
    const schemaUrl = resource.schemaUrl ?? '';
    const group = new Group(describe(resource.attributes), { schemaUrl });
    const known = { group, byScope: new WeakMap(), byName: new Map() };
    const kept = resource.asyncAttributesPending === true ? this.incomplete : this.resources;
    kept.set(resource, known);
    return known;
  }
}
