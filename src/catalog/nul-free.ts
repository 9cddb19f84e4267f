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
 * PostgreSQL's text cannot hold NUL, and PostgreSQL refuses a query with it. No stored text has one, so NUL in a text
 * from outside is replaced by a character that no id has either: nothing is found.
 */
class NulFree extends OperationNodeTransformer {
  protected override transformValue(node: ValueNode): ValueNode {
    return super.transformValue({ ...node, value: nulFreeValue(node.value) });
  }
}

/** The value of one parameter, a list too, with each NUL replaced by U+FFFD. */
export function nulFreeValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(nulFreeValue);
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\u{fffd}') : value;
}

/** Makes queries safe for text from outside with NUL. */
export function nulFree(): KyselyPlugin {
  const transformer = new NulFree();
  return {
    transformQuery: ({ node, queryId }: PluginTransformQueryArgs) => transformer.transformNode(node, queryId),
    transformResult: async ({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> =>
      result,
  };
}
