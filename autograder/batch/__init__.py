"""A whole class: graded by many processes at once, and then written into the gradebook by one."""
