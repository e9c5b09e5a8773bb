import { useTranslation } from "react-i18next";
import { isLabel } from "../../parts/LabelBadge";
import type { Criteria, Leaf, Node } from "./criteria";
import { useFieldName } from "./names";

/** What criteria say. In English the service says it; in other languages the same is put together from the document. */
export function useSentences() {
  const { t, i18n } = useTranslation();
  const fieldName = useFieldName();
  const english = i18n.language === "en";

  const word = (value: unknown): string => {
    if (Array.isArray(value)) return value.map(word).join(", ");
    if (typeof value === "boolean") return t(value ? "sentence.yes" : "sentence.no");
    if (value && typeof value === "object") return Object.entries(value as Record<string, string>).map(([kind, text]) => `${duration(text)} ${t(kind === "ahead" ? "builder.day_ahead" : "builder.day_ago")}`).join(" ");
    const text = String(value ?? "");
    if (isLabel(text)) return t(`label.${text}.name`);
    for (const group of ["health", "value", "privacy.state"]) if (i18n.exists(`${group}.${text}`)) return t(`${group}.${text}` as "value.dinner");
    return text === "today" ? t("builder.day_today") : /^\d+(d|w|mo|y)$/.test(text) ? duration(text) : text;
  };
  const duration = (text: string) => {
    const [, number, unit] = /^(\d+)(d|w|mo|y)$/.exec(text) ?? [];
    return number ? `${number} ${t(`builder.unit_${unit as "d"}`)}` : text;
  };
  const operator = (op: string) => (i18n.exists(`builder.op.${op}`) ? t(`builder.op.${op}` as "builder.op.eq") : op);
  const leaf = ({ field, op, value, within, where }: Leaf) => {
    const last = (within as { last?: string } | undefined)?.last;
    return [fieldName(field), operator(op), value === undefined ? "" : word(value), last ? `${t("builder.inTheLast")} ${duration(last)}` : "", where ? `(${t("builder.where")} ${say(where)})` : ""].filter(Boolean).join(" ");
  };
  const say = (node: Node): string => {
    const within = (part: Node) => ("any" in part && part.any.length > 1 ? `(${say(part)})` : say(part));
    if ("all" in node) return node.all.length === 0 ? t("sentence.everyone") : node.all.map(within).join(` ${t("sentence.and")} `);
    if ("any" in node) return node.any.map((part) => ("all" in part && part.all.length > 1 ? `(${say(part)})` : say(part))).join(` ${t("sentence.or")} `);
    if ("not" in node) return `${t("sentence.not")} (${say(node.not)})`;
    return leaf(node);
  };
  const at = (criteria: Criteria, pointer: string) =>
    pointer.split("/").slice(1).reduce<unknown>((part, step) => (part as Record<string, unknown> | undefined)?.[step], criteria) as Node | Criteria | undefined;
  return {
    of: (criteria: unknown, said: string | undefined) => {
      if (english && said) return said;
      const document = (typeof criteria === "string" ? JSON.parse(criteria) : criteria) as Criteria | undefined;
      return document?.where ? say(document.where) : (said ?? "");
    },
    /** The part of the criteria at a pointer. */
    at: (criteria: unknown, pointer: string | null | undefined, said: string) => {
      if (english || !criteria) return said;
      const part = at((typeof criteria === "string" ? JSON.parse(criteria) : criteria) as Criteria, pointer ?? "");
      if (!part || typeof part !== "object") return said;
      return "where" in part && "v" in part ? say((part as Criteria).where) : say(part as Node);
    },
  };
}
