/** The files that the aws cli reads: sections of `name = value`, where a value may be indented lines of the same form. */

/** Settings by their names, in lower case. */
export type Settings = ReadonlyMap<string, string | ReadonlyMap<string, string>>;
/** Sections by their names, such as `profile work`. */
export type Sections = ReadonlyMap<string, Settings>;

interface Growing {
  readonly sections: Map<string, Map<string, string | Map<string, string>>>;
  settings: Map<string, string | Map<string, string>> | undefined;
  /** The last setting that was not indented. */
  last: string;
}

/** Parses a file's text. Lines that are neither a section, a setting nor a comment are ignored. */
export function parseSharedFile(text: string): Sections {
  const growing: Growing = { sections: new Map(), settings: undefined, last: '' };
  for (const line of text.split(/\r?\n/)) takeLine(growing, line);
  return growing.sections;
}

function takeLine(growing: Growing, line: string): void {
  if (/^\s*([#;]|$)/.test(line)) return;
  const [, section] = /^\[\s*(.*?)\s*\]/.exec(line) ?? [];
  if (section !== undefined) {
    const name = section.replace(/\s+/, ' ').replaceAll(/["']/g, '');
    growing.settings = growing.sections.get(name) ?? new Map();
    growing.sections.set(name, growing.settings);
    growing.last = '';
    return;
  }
  const [, indent = '', name = '', value = ''] = /^(\s*)([^=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
  if (name === '' || growing.settings === undefined) return;
  if (indent === '' || growing.last === '') {
    growing.last = name.toLowerCase();
    growing.settings.set(growing.last, value);
  } else nestedIn(growing.settings, growing.last).set(name.toLowerCase(), value);
}

function nestedIn(settings: Map<string, string | Map<string, string>>, name: string): Map<string, string> {
  const known = settings.get(name);
  if (known instanceof Map) return known;
  const made = new Map<string, string>();
  settings.set(name, made);
  return made;
}
