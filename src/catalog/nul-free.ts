import {
  type KyselyPlugin,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type QueryResult,
  type UnknownRow,
  type ValueNode,
} from 'kysely';

/**
 * PostgreSQL's text cannot hold the character NUL and refuses a query that asks for it. Nothing that is stored has
 * one, so an id from outside that does is looked up as one that nobody has.
 */
class NulFree extends OperationNodeTransformer {
  protected override transformValue(node: ValueNode): ValueNode {
    return super.transformValue({ ...node, value: nulFreeValue(node.value) });
  }
}

/** The value of one parameter, as above. */
export function nulFreeValue(value: unknown): unknown {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\u{fffd}') : value;
}

/** Makes queries safe for text from outside that holds NUL. */
export function nulFree(): KyselyPlugin {
  const transformer = new NulFree();
  return {
    transformQuery: ({ node, queryId }: PluginTransformQueryArgs) => transformer.transformNode(node, queryId),
    transformResult: async ({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> =>
      result,
  };
}
