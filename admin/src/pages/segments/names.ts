import { useTranslation } from "react-i18next";

/** Names of fields in the reader's language; in English, or where a language has none, as the service calls them. */
export function useFieldName() {
  const { t, i18n } = useTranslation();
  return (name: string, label?: string) => {
    const key = `field.${name.replaceAll(".", "_")}`;
    return i18n.exists(key) ? t(key as "field.label") : (label ?? name.replaceAll("_", " "));
  };
}
