import type { RuleGroupType, RuleType } from "react-querybuilder";

/** A document of criteria, as in docs/criteria.md. Its shape only: what it means is for the service to say. */
export type Duration = string;
export interface Leaf { field: string; op: string; value?: unknown; within?: unknown; where?: Node }
export type Node = { all: Node[] } | { any: Node[] } | { not: Node } | Leaf;
export interface Criteria { v: 1; scope?: "venue" | "org"; where: Node }

export interface Operator { name: string; takes: "one" | "range" | "list" | "nothing" | "duration" | "month" | "number" | "money" }
export interface Field {
  name: string;
  label: string;
  group: string;
  type: "number" | "money" | "timestamp" | "annual_date" | "text" | "enum" | "boolean" | "state" | "set" | "relation";
  operators: Operator[];
  values?: string[];
  fields?: Field[];
  description?: string;
  venue_only: boolean;
}

/** What a rule of the builder holds beside field and operator. */
export type Held = Pick<Leaf, "value" | "within" | "where">;
export const heldBy = (rule: RuleType): Held => (rule.value && typeof rule.value === "object" ? (rule.value as Held) : {});

let made = 0;
const newId = () => `n${++made}`;
const isGroup = (part: unknown): part is RuleGroupType => typeof part === "object" && part !== null && "rules" in part;

/** Where each part of the builder stands in the document: JSON pointers by id. */
export type Pointers = Map<string, string>;

function partOf(node: Node): RuleGroupType | RuleType {
  if ("all" in node) return { id: newId(), combinator: "all", rules: node.all.map(partOf) };
  if ("any" in node) return { id: newId(), combinator: "any", rules: node.any.map(partOf) };
  if ("not" in node) {
    const inside = partOf(node.not);
    return isGroup(inside) && !inside.not ? { ...inside, not: true } : { id: newId(), combinator: "all", not: true, rules: [inside] };
  }
  const { field, op, ...held } = node;
  return { id: newId(), field, operator: op, value: held };
}

export function toBuilder({ where }: Criteria): RuleGroupType {
  const part = partOf(where);
  return isGroup(part) ? part : { id: newId(), combinator: "all", rules: [part] };
}

export function fromBuilder(query: RuleGroupType, scope: "venue" | "org"): { criteria: Criteria; pointers: Pointers } {
  const pointers: Pointers = new Map();
  const nodeOf = (part: RuleGroupType | RuleType, at: string): Node => {
    if (part.id) pointers.set(part.id, at);
    if (!isGroup(part)) return { field: part.field, op: part.operator, ...heldBy(part) };
    const kind = part.combinator === "any" && part.rules.length > 0 ? "any" : "all";
    const inside = part.not ? `${at}/not/${kind}` : `${at}/${kind}`;
    const rules = part.rules.map((rule, n) => nodeOf(rule as RuleGroupType | RuleType, `${inside}/${n}`));
    const group: Node = kind === "any" ? { any: rules } : { all: rules };
    return part.not ? { not: group } : group;
  };
  const where = nodeOf(query, "/where");
  return { criteria: { v: 1, scope, where }, pointers };
}

/** The part at a pointer, or the nearest that contains it. */
export function partAt(pointers: Pointers, pointer: string) {
  let best: [string, string] | undefined;
  for (const entry of pointers) {
    const contains = pointer === entry[1] || pointer.startsWith(`${entry[1]}/`);
    if (contains && (!best || entry[1].length > best[1].length)) best = entry;
  }
  return best?.[0];
}

/** A value of the right kind to begin with; which values are allowed is said by the service. */
export function firstValue(field: Field | undefined, takes: Operator["takes"] | undefined): Held {
  if (!field || !takes || takes === "nothing") return {};
  const one = field.type === "boolean" ? true : field.type === "timestamp" || field.type === "annual_date" ? "today" : (field.values?.[0] ?? (field.type === "number" ? 1 : field.type === "money" ? "10.00" : ""));
  switch (takes) {
    case "duration": return { value: "30d" };
    case "month": case "number": return { value: 1 };
    case "money": return { value: "10.00" };
    case "range": return { value: [one, one] };
    case "list": return { value: field.values ? [field.values[0]] : [] };
    default: return { value: one };
  }
}
