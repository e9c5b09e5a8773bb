import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type { en } from "./en";

export const LANGUAGES = { en: "English", de: "Deutsch", pt: "Português" } as const;
export type Language = keyof typeof LANGUAGES;

/** A translation has exactly the texts of the English one; the compiler says which are missing. */
type Texts<T> = { [K in keyof T]: T[K] extends string ? string : Texts<T[K]> };
export type Messages = Texts<typeof en>;

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: typeof en };
  }
}

const STORED = "crm-language";
const load: Record<Language, () => Promise<Messages>> = {
  en: () => import("./en").then((file) => file.en),
  de: () => import("./de").then((file) => file.de),
  pt: () => import("./pt").then((file) => file.pt),
};

const isLanguage = (name: string): name is Language => name in LANGUAGES;

function preferred(): Language {
  const stored = localStorage.getItem(STORED);
  const asked = [stored ?? "", ...navigator.languages].map((name) => name.slice(0, 2).toLowerCase());
  return asked.find(isLanguage) ?? "en";
}

async function use(language: Language) {
  if (!i18next.hasResourceBundle(language, "translation")) {
    i18next.addResourceBundle(language, "translation", await load[language]());
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

export async function chooseLanguage(language: Language) {
  localStorage.setItem(STORED, language);
  await use(language);
}

export async function startLanguages() {
  const resources = {};
  await i18next.use(initReactI18next).init({ resources, lng: "en", fallbackLng: false, interpolation: { escapeValue: false } });
  await use(preferred());
}
