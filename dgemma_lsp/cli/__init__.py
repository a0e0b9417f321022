"""The command line. Each command's module is imported when it runs, so that none pays for another."""
