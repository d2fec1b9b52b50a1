/* Just enough JSON for plans: find members, walk arrays, read whole numbers. A file that is none
 * ends the program with exit code 2 and the place. Pointers point into the text; nothing is freed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long long Number;

static const char* need(int holds, const char* fact, const char* place) {
  if (!holds) fprintf(stderr, "error: %s `%.50s`\n", fact, place), exit(2);
  return place;
}

static const char* space(const char* p) { return p + strspn(p, " \t\r\n"); }

/* The end of the value that starts at p: count brackets, jump over strings. */
static const char* skip(const char* p) {
  const char* begin = p;
  int depth = 0;
  do {
    if (*p == '"')
      for (++p; *p && *p != '"'; ++p) p += *p == '\\' && p[1];
    need(*p != 0, "the file ends inside", begin);
    depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
    ++p;
  } while (depth > 0);
  if (!strchr("\"{[", *begin)) p = begin + strcspn(begin, ",:]} \t\r\n");
  need(p > begin, "no value at", begin);
  return p;
}

/* From one member or element to the next, or to the closing bracket. */
static const char* next(const char* p) {
  p = space(skip(p));
  return *p == ',' ? space(p + 1) : p;
}

static const char* member(const char* object, const char* key) {
  size_t length = strlen(key);
  const char* p = space(need(*object == '{', "no object at", object) + 1);
  for (; *p == '"'; p = next(p)) {
    int found = !strncmp(p + 1, key, length) && p[length + 1] == '"';
    p = space(skip(p));
    p = space(need(*p == ':', "no colon at", p) + 1);
    if (found) return p;
  }
  return need(0, "a member is missing:", key);
}

/* A whole number, or -1 for null. */
static Number number(const char* object, const char* key) {
  const char* p = member(object, key);
  if (!strncmp(p, "null", 4)) return -1;
  need(strspn(p, "0123456789") > 0, "no whole number at", p);
  return strtoll(p, NULL, 10);
}

/* The elements of an array of objects. */
static const char** list(const char* object, const char* key, Number* count) {
  const char *p = member(object, key), **items = malloc(sizeof *items);
  need(*p == '[', "no array at", p);
  for (*count = 0, p = space(p + 1); *p != ']'; p = next(p)) {
    items = realloc(items, (size_t)(*count + 1) * sizeof *items);
    need(items != NULL, "no memory for", key);
    items[(*count)++] = p;
  }
  return items;
}

/* The text of a file that says it has this format. */
static const char* document(const char* path, const char* format) {
  FILE* file = fopen(path, "rb");
  char* text = malloc(1);
  need(file != NULL, "cannot read", path);
  for (size_t size = 0, got = 1; got; text[size += got] = 0) {
    text = realloc(text, size + 65537);
    need(text != NULL, "no memory for", path);
    got = fread(text + size, 1, 65536, file);
  }
  fclose(file);
  const char* found = member(space(text), "format");
  need(*found == '"' && !strncmp(found + 1, format, strlen(format)), "another format:", found);
  return space(text);
}
